/* Makes lines of what arrives from a serial line, byte by byte.
 *
 * The rules are those of ninedoor/console/editor.py, and tests/data/console/keystrokes.txt holds both to them:
 * 1. Bytes are UTF-8; what is not becomes U+FFFD (utf8.h).
 * 2. LF, CR and CR LF end a line.
 * 3. An escape sequence is swallowed: ESC, any of SP to `/`, then one of `0` to `~`; where that is `[` or `O`, also any
 *    of SP to `?` and one of `@` to `~`. Any other character abandons it, and is taken as if it had not been.
 * 4. BS and DEL take the last character off.
 * 5. Other control characters, U+0080 to U+009F too, are refused.
 * 6. The character that does not fit in LINE_BYTES bytes spoils the line: the rest to its end is discarded.
 * What is echoed is what was taken; what was refused echoes a bell. */
#ifndef NINEDOOR_CORE_LINE_H
#define NINEDOOR_CORE_LINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/sink.h"
#include "core/utf8.h"

enum { LINE_BYTES = 256 }; /* bytes of a line, without its end: CONSOLE_LINE_MAX of ninedoor/limits.py */

enum line_entry {
    LINE_NONE,
    LINE_ENDED,    /* the line is in `line`, `size` bytes */
    LINE_TOO_LONG, /* it was, and is to be refused */
};

struct line_editor {
    char line[LINE_BYTES + 1]; /* NUL-terminated */
    size_t size;
    const struct sink *echo; /* null: none */
    unsigned long refused;   /* characters that were, so far */

    /* Private. */
    struct utf8 utf8;
    enum { LINE_NO_SEQUENCE, LINE_INTRODUCED, LINE_PARAMETERS } sequence;
    bool spoiled, after_return, over;
};

void line_begin(struct line_editor *editor, const struct sink *echo);

/* Take one byte. What it ended stays in `line` until line_clear(), or the next call. */
enum line_entry line_take(struct line_editor *editor, uint8_t byte);
/* The line that was ended is done with: nothing is typed now. */
void line_clear(struct line_editor *editor);

#endif
