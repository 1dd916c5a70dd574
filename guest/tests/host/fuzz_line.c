/* Keystrokes: any bytes give lines that are valid UTF-8 without control characters, of at most LINE_BYTES, which the
 * parser takes or refuses; and no more of them than there were line ends. */
#include <string.h>

#include "core/grammar.h"
#include "core/line.h"
#include "fuzz.h"

#define SEED(bytes) {bytes, sizeof(bytes) - 1}

const struct fuzz_seed fuzz_seeds[] = {
    SEED("help\r\ncat /proc/boot\rls /\n\n"),
    SEED("ca\x7f\x08t \x1b[Ax\x1b[1;5D\x1bOP\n"),
    SEED("echo /log/queen.log gr\xc3\xbc\xc3\x9f \xe6\xb0\x97 \xf0\x9f\x90\x9d\x7f\xff\xe2\x82\n"),
    SEED("attach worker-heartbeat cohesix-ticket-0101.ab\nspawn {\"spawn\":\"heartbeat\",\"ticks\":1}\nkill worker-1\n"),
    SEED("cachelog 65535\ncachelog 65536\n0123456789012345678901234567890123456789012345678901234567890123456789"
         "0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789"
         "01234567890123456789012345678901234567890123456789012345678901234567890123456789\n"),
    {0, 0},
};

static size_t shown;

static void put(void *context, const char *bytes, size_t count)
{
    (void)context;
    (void)bytes;
    shown += count;
}

static void check_line(const struct line_editor *editor)
{
    struct utf8 utf8 = {0};
    struct command command;
    char detail[64];

    INVARIANT(editor->size <= LINE_BYTES && strlen(editor->line) == editor->size);
    for (size_t i = 0; i < editor->size; i++) {
        uint32_t characters[2];
        unsigned count = utf8_take(&utf8, (uint8_t)editor->line[i], characters);

        INVARIANT(count == 0 || (characters[0] >= ' ' && (characters[0] < 0x7f || characters[0] > 0x9f)));
    }
    INVARIANT(!utf8.replaced && utf8.missing == 0);
    if (grammar_parse(editor->line, editor->size, &command, detail) == 0) {
        INVARIANT(command.verb < VERBS);
        for (unsigned i = 0; i < GRAMMAR_ARGUMENTS; i++) {
            const struct word *word = &command.arguments[i];

            INVARIANT(word->size == 0
                      || (word->at >= editor->line && word->at + word->size <= editor->line + editor->size));
        }
    }
}

void fuzz_one(const uint8_t *input, size_t size)
{
    static const struct sink sink = {.put = put};
    struct line_editor editor;
    size_t ends = 0, entries = 0;

    line_begin(&editor, &sink);
    for (size_t i = 0; i < size; i++) {
        ends += input[i] == '\n' || input[i] == '\r';
        switch (line_take(&editor, input[i])) {
        case LINE_ENDED:
            check_line(&editor);
            entries++;
            break;
        case LINE_TOO_LONG:
            entries++;
            break;
        case LINE_NONE:
            break;
        }
    }
    INVARIANT(entries <= ends);
}
