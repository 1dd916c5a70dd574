/* The root task in words, for the console's bi, caps and mem. */
#ifndef NINEDOOR_DESCRIBE_H
#define NINEDOOR_DESCRIBE_H

/* Call `line` for each line of the answer to `verb`: "bi", "caps" or "mem"; nothing for any other. */
void root_describe(const char *verb, void (*line)(const char *text));

#endif
