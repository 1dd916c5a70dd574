/* Where boot_setting() of platform.h finds its values. */
#ifndef NINEDOOR_SETTINGS_H
#define NINEDOOR_SETTINGS_H

#include "errors.h"

status settings_start(void);

#endif
