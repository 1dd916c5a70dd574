#include "core/grammar.h"

#include "bytes.h"
#include "core/line.h"
#include "format.h"

#define PATH_ARGUMENT {.name = "path", .most = GRAMMAR_PATH}

const struct verb verbs[VERBS] = {
    [VERB_HELP] = {"help", "HELP", "show this help", 0, NEEDS_NOTHING, BODY_TEXT, {{0}}},
    [VERB_BI] = {"bi", "BOOTINFO", "show what this node was started from", 0, NEEDS_NOTHING, BODY_TEXT, {{0}}},
    [VERB_CAPS] = {"caps", "CAPS", "show the capabilities of the node", 0, NEEDS_NOTHING, BODY_TEXT, {{0}}},
    [VERB_MEM] = {"mem", "MEM", "show the memory of the node", 0, NEEDS_NOTHING, BODY_TEXT, {{0}}},
    [VERB_PING] = {"ping", "PING", "answer with PONG", 0, NEEDS_NOTHING, BODY_LINE, {{0}}},
    [VERB_TEST] = {"test", "TEST", "self-test (in cohsh only)", "host-only", NEEDS_NOTHING, BODY_NOTHING, {{0}}},
    [VERB_NETTEST] = {"nettest", "NETTEST", "run the network self-test", 0, NEEDS_NOTHING, BODY_TEXT, {{0}}},
    [VERB_NETSTATS] = {"netstats", "NETSTATS", "show the network counters", 0, NEEDS_NOTHING, BODY_TEXT, {{0}}},
    [VERB_LOG] = {"log", "LOG", "show /log/queen.log", 0, NEEDS_QUEEN, BODY_STREAM, {{0}}},
    [VERB_CACHELOG] = {"cachelog", "CACHELOG", "show the latest cache operations", 0, NEEDS_NOTHING, BODY_TEXT,
                       {{"count", GRAMMAR_COUNT, ARGUMENT_NUMBER, true}}},
    [VERB_QUIT] = {"quit", "QUIT", "end the session", 0, NEEDS_NOTHING, BODY_NOTHING, {{0}}},
    [VERB_TAIL] = {"tail", "TAIL", "show the latest lines of a file", 0, NEEDS_ATTACH, BODY_STREAM, {PATH_ARGUMENT}},
    [VERB_CAT] = {"cat", "CAT", "show a file", 0, NEEDS_ATTACH, BODY_STREAM, {PATH_ARGUMENT}},
    [VERB_LS] = {"ls", "LS", "list a directory", 0, NEEDS_ATTACH, BODY_STREAM, {PATH_ARGUMENT}},
    [VERB_ECHO] = {"echo", "ECHO", "append a line to a file", 0, NEEDS_ATTACH, BODY_NOTHING,
                   {PATH_ARGUMENT, {"payload", GRAMMAR_ECHO, ARGUMENT_REST, false}}},
    [VERB_ATTACH] = {"attach", "ATTACH", "say who you are", 0, NEEDS_NOTHING, BODY_NOTHING,
                     {{"role", GRAMMAR_ROLE, ARGUMENT_WORD, false}, {"ticket", GRAMMAR_TICKET, ARGUMENT_WORD, true}}},
    [VERB_SPAWN] = {"spawn", "SPAWN", "start a worker, described as for /queen/ctl", 0, NEEDS_QUEEN, BODY_NOTHING,
                    {{"payload", GRAMMAR_JSON, ARGUMENT_REST, false}}},
    [VERB_KILL] = {"kill", "KILL", "revoke a worker", 0, NEEDS_QUEEN, BODY_NOTHING,
                   {{"worker", GRAMMAR_WORKER, ARGUMENT_WORD, false}}},
};

/* Why the character that begins at `at` cannot be in a line; null when it can. Control characters (C0, DEL, and C1,
 * which is C2 80 to C2 9F) would act on terminals and in logs; EF BF BD stands for bytes that were no text, and ED A0
 * and above would be surrogates, which are none. */
static const char *judge_character(const char *at, const char *end)
{
    uint8_t byte = (uint8_t)at[0];
    uint8_t second = at + 1 < end ? (uint8_t)at[1] : 0;
    uint8_t third = at + 2 < end ? (uint8_t)at[2] : 0;

    if ((byte == 0xef && second == 0xbf && third == 0xbd) || (byte == 0xed && second >= 0xa0)) {
        return "console line is not valid UTF-8";
    }
    if (byte < ' ' || byte == 0x7f || (byte == 0xc2 && second >= 0x80 && second <= 0x9f)) {
        return "control character in console line";
    }
    return 0;
}

static struct word without_blanks(struct word text)
{
    while (text.size > 0 && text.at[0] == ' ') {
        text.at++;
        text.size--;
    }
    while (text.size > 0 && text.at[text.size - 1] == ' ') {
        text.size--;
    }
    return text;
}

/* Take the first word off `rest`. */
static struct word take_word(struct word *rest)
{
    struct word word = without_blanks(*rest);
    size_t size = 0;

    while (size < word.size && word.at[size] != ' ') {
        size++;
    }
    *rest = (struct word){.at = word.at + size, .size = word.size - size};
    word.size = size;
    return word;
}

static bool is_named(const struct verb *verb, struct word name)
{
    if (name.size != strlen(verb->name)) {
        return false;
    }
    for (size_t i = 0; i < name.size; i++) {
        char letter = name.at[i] >= 'A' && name.at[i] <= 'Z' ? (char)(name.at[i] + ('a' - 'A')) : name.at[i];

        if (letter != verb->name[i]) {
            return false;
        }
    }
    return true;
}

static bool is_number(struct word digits, unsigned most)
{
    unsigned value = 0;

    for (size_t i = 0; i < digits.size; i++) {
        if (digits.at[i] < '0' || digits.at[i] > '9') {
            return false;
        }
        value = value * 10 + (unsigned)(digits.at[i] - '0');
        if (value > most) {
            return false;
        }
    }
    return true;
}

/* Why `value` cannot be `argument`; null when it can. */
static const char *judge(const struct argument *argument, struct word value, char detail[64])
{
    if (value.size == 0) {
        text_format(detail, 64, "missing required argument: %s", argument->name);
    } else if (argument->kind == ARGUMENT_NUMBER) {
        if (is_number(value, argument->most)) {
            return 0;
        }
        text_format(detail, 64, "invalid value for argument %s", argument->name);
    } else if (value.size > argument->most) {
        text_format(detail, 64, "argument %s exceeds allowed length", argument->name);
    } else {
        return 0;
    }
    return detail;
}

const char *grammar_parse(const char *line, size_t size, struct command *command, char detail[64])
{
    struct word rest = {.at = line, .size = size};
    unsigned id = 0;

    if (size > LINE_BYTES) {
        return "console line exceeded maximum length";
    }
    for (size_t i = 0; i < size; i++) {
        const char *wrong = judge_character(line + i, line + size);

        if (wrong != 0) {
            return wrong;
        }
    }
    struct word name = take_word(&rest);
    if (name.size == 0) {
        return "empty command";
    }
    while (id < VERBS && !is_named(&verbs[id], name)) {
        id++;
    }
    if (id == VERBS) {
        return "unsupported console command";
    }
    *command = (struct command){.verb = (enum verb_id)id};
    for (unsigned i = 0; i < GRAMMAR_ARGUMENTS && verbs[id].arguments[i].name != 0; i++) {
        const struct argument *argument = &verbs[id].arguments[i];
        struct word value = argument->kind == ARGUMENT_REST ? without_blanks(rest) : take_word(&rest);

        if (argument->kind == ARGUMENT_REST) {
            rest.size = 0;
        }
        if (value.size == 0 && argument->optional) {
            break;
        }
        const char *refused = judge(argument, value, detail);
        if (refused != 0) {
            return refused;
        }
        command->arguments[i] = value;
    }
    return without_blanks(rest).size > 0 ? "too many arguments" : 0;
}

void grammar_usage(const struct verb *verb, char *usage, size_t room)
{
    struct text text;

    text_begin(&text, usage, room);
    text_add(&text, "%s", verb->name);
    for (unsigned i = 0; i < GRAMMAR_ARGUMENTS && verb->arguments[i].name != 0; i++) {
        const struct argument *argument = &verb->arguments[i];

        text_add(&text, argument->optional ? " [%s]" : " <%s>", argument->name);
    }
}
