#include "core/line.h"

#include "bytes.h"

enum {
    BACKSPACE = 0x08,
    LINE_FEED = 0x0a,
    RETURN = 0x0d,
    ESCAPE = 0x1b,
    DELETE = 0x7f,
    LAST_CONTROL = 0x9f,
};

void line_begin(struct line_editor *editor, const struct sink *echo)
{
    *editor = (struct line_editor){.echo = echo};
}

static void show(const struct line_editor *editor, const char *bytes, size_t count)
{
    if (editor->echo != 0) {
        sink_put(editor->echo, bytes, count);
    }
}

static void bell(const struct line_editor *editor)
{
    show(editor, "\a", 1);
}

/* How wide a terminal shows `character`: by the blocks that are wide or combine throughout, which is all that the echo
 * of a backspace needs. */
static unsigned columns(uint32_t character)
{
    static const struct {
        uint32_t first, last;
        unsigned columns;
    } blocks[] = {
        {0x0300, 0x036f, 0},   {0x1100, 0x115f, 2},   {0x20d0, 0x20ff, 0},   {0x2e80, 0x303e, 2},
        {0x3041, 0xa4cf, 2},   {0xac00, 0xd7a3, 2},   {0xf900, 0xfaff, 2},   {0xfe30, 0xfe6f, 2},
        {0xff00, 0xff60, 2},   {0xffe0, 0xffe6, 2},   {0x1f300, 0x1f64f, 2}, {0x1f900, 0x1f9ff, 2},
        {0x20000, 0x3fffd, 2},
    };

    for (size_t i = 0; i < ARRAY_LENGTH(blocks); i++) {
        if (character >= blocks[i].first && character <= blocks[i].last) {
            return blocks[i].columns;
        }
    }
    return 1;
}

static void append(struct line_editor *editor, uint32_t character)
{
    char bytes[UTF8_BYTES];
    unsigned count = utf8_put(character, bytes);

    if (editor->size + count > LINE_BYTES) {
        editor->spoiled = true;
    }
    if (editor->spoiled) {
        bell(editor);
        return;
    }
    memcpy(editor->line + editor->size, bytes, count);
    editor->size += count;
    editor->line[editor->size] = '\0';
    show(editor, bytes, count);
}

/* Take the last character off the line, which is UTF-8 throughout, and return it. */
static uint32_t pop(struct line_editor *editor)
{
    struct utf8 utf8 = {0};
    uint32_t characters[2];
    size_t start = editor->size - 1;

    while (start > 0 && (editor->line[start] & 0xc0) == 0x80) {
        start--;
    }
    for (size_t i = start; i < editor->size; i++) {
        utf8_take(&utf8, (uint8_t)editor->line[i], characters);
    }
    editor->size = start;
    editor->line[start] = '\0';
    return characters[0];
}

static void erase(struct line_editor *editor)
{
    if (editor->spoiled || editor->size == 0) {
        bell(editor);
        return;
    }
    for (unsigned column = columns(pop(editor)); column > 0; column--) {
        show(editor, "\b \b", 3);
    }
}

static enum line_entry end(struct line_editor *editor)
{
    bool spoiled = editor->spoiled;

    editor->over = true;
    show(editor, "\n", 1);
    return spoiled ? LINE_TOO_LONG : LINE_ENDED;
}

/* Whether the escape sequence goes on or ends with `character`; where not, it is abandoned. */
static bool swallows(struct line_editor *editor, uint32_t character)
{
    bool introduced = editor->sequence == LINE_INTRODUCED;

    if (character >= ' ' && character <= (introduced ? '/' : '?')) {
        return true;
    }
    if (introduced && (character == '[' || character == 'O')) {
        editor->sequence = LINE_PARAMETERS;
        return true;
    }
    editor->sequence = LINE_NO_SEQUENCE;
    return character >= (introduced ? '0' : '@') && character <= '~';
}

static enum line_entry take(struct line_editor *editor, uint32_t character)
{
    bool after_return = editor->after_return;

    editor->after_return = character == RETURN;
    if (after_return && character == LINE_FEED) {
        return LINE_NONE;
    }
    if (editor->sequence != LINE_NO_SEQUENCE && swallows(editor, character)) {
        return LINE_NONE;
    }
    if (character == LINE_FEED || character == RETURN) {
        return end(editor);
    }
    if (character == BACKSPACE || character == DELETE) {
        erase(editor);
    } else if (character < ' ' || (character > DELETE && character <= LAST_CONTROL)) {
        editor->refused++;
        bell(editor);
        if (character == ESCAPE) {
            editor->sequence = LINE_INTRODUCED;
        }
    } else {
        append(editor, character);
    }
    return LINE_NONE;
}

void line_clear(struct line_editor *editor)
{
    editor->over = editor->spoiled = false;
    editor->size = 0;
    memset(editor->line, 0, sizeof editor->line); /* it may have held a ticket */
}

enum line_entry line_take(struct line_editor *editor, uint8_t byte)
{
    enum line_entry entry = LINE_NONE;
    uint32_t characters[2];
    unsigned count = utf8_take(&editor->utf8, byte, characters);

    if (editor->over) {
        line_clear(editor);
    }
    for (unsigned i = 0; i < count; i++) { /* only the last of two can end the line */
        entry = take(editor, characters[i]);
    }
    return entry;
}
