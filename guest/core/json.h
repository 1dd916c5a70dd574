/* The one question that the console has about JSON. */
#ifndef NINEDOOR_CORE_JSON_H
#define NINEDOOR_CORE_JSON_H

#include <stdbool.h>
#include <stddef.h>

/* Whether `text` is an object, as far as it goes, with a member called `name` of its own, not of an object inside it. A
 * name that is spelt with escapes is another one. */
bool json_has_member(const char *text, size_t size, const char *name);

#endif
