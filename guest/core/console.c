#include "core/console.h"

#include "bytes.h"
#include "core/console_verbs.h"
#include "format.h"

#define QUEEN_LOG "/log/queen.log"
#define ERASE_LINE "\r\x1b[K"

enum {
    AUDIT = 240,
    USAGE = 64,
};

/* -- output -------------------------------------------------------------------------------------------------------- */

void console_put_line(struct console *console, const char *text, size_t size)
{
    sink_put(console->out, text, size);
    sink_put(console->out, "\n", 1);
}

void console_put_text(struct console *console, const char *text)
{
    console_put_line(console, text, strlen(text));
}

void console_put_ack(struct console *console, const struct acknowledgement *ack)
{
    console_put_line(console, ack->line, ack->size);
}

void console_prompt(struct console *console)
{
    sink_put(console->out, CONSOLE_PROMPT, sizeof CONSOLE_PROMPT - 1);
}

void console_interrupt(struct console *console, const char *line, size_t size)
{
    /* In the middle of an answer nothing stands there to be erased; but it tells a program that reads along which
     * lines are the answer's. */
    sink_put(console->out, ERASE_LINE, sizeof ERASE_LINE - 1);
    console_put_line(console, line, size);
    if (console->busy) {
        return;
    }
    console_prompt(console);
    sink_put(console->out, console->editor.line, console->editor.size);
}

/* Have the hive's log tell of a denial that the hive does not know of, in the words in which it tells its own. */
static void audit(struct console *console, enum verb_id verb, struct word path, status why, const char *reason)
{
    const char *who = !console->attach.attached ? "console" : console->attach.queen ? "queen" : "worker";
    char line[AUDIT];

    text_format(line, sizeof line, "denied who=%s ticket=none op=%s path=%.*s error=%s reason=%s", who,
                verbs[verb].label, path.size > 0 ? (int)path.size : 1, path.size > 0 ? path.at : "-",
                error_name(why.error), reason);
    console->node->audit(line);
}

/* -- verbs of the node --------------------------------------------------------------------------------------------- */

static void help(struct console *console)
{
    char usage[USAGE], line[LINE_BYTES];
    size_t columns = 0;

    for (unsigned i = 0; i < VERBS; i++) {
        grammar_usage(&verbs[i], usage, sizeof usage);
        columns = strlen(usage) > columns ? strlen(usage) : columns;
    }
    console_put_text(console, "Commands:");
    for (unsigned i = 0; i < VERBS; i++) {
        struct text text;

        grammar_usage(&verbs[i], usage, sizeof usage);
        text_begin(&text, line, sizeof line);
        text_add(&text, "  %s", usage);
        while (text.used < 2 + columns) {
            text_add(&text, " ");
        }
        text_add(&text, " - %s", verbs[i].help);
        console_put_line(console, line, text.used);
    }
}

static struct console *describing; /* whose lines they are: describe() passes nothing through */

static void describe_line(const char *text)
{
    console_put_text(describing, text);
}

static void describe(struct console *console, const char *what)
{
    describing = console;
    console->node->describe(what, describe_line);
}

static void acknowledge(struct console *console, enum verb_id verb)
{
    struct acknowledgement ack;

    ack_ok(&ack, verbs[verb].label);
    if (verb == VERB_PING) {
        ack_text(&ack, "reply", "pong");
    }
    console_put_ack(console, &ack);
}

static void attach(struct console *console, struct word role, struct word ticket)
{
    struct acknowledgement ack;
    char reason[ATTACH_REASON];
    status result = attach_present(&console->attach, role, ticket, console->node->unix_ms(), &ack, reason);

    console_put_ack(console, &ack);
    if (reason[0] != '\0') {
        audit(console, VERB_ATTACH, (struct word){0}, result, reason);
    }
}

static void refuse_verb(struct console *console, enum verb_id verb, const char *detail)
{
    struct acknowledgement ack;

    ack_err(&ack, verbs[verb].label, "policy");
    ack_text(&ack, "detail", detail);
    console_put_ack(console, &ack);
}

/* -- the line ------------------------------------------------------------------------------------------------------ */

/* The path that the command names; size 0 where it names none. */
static struct word path_of(const struct command *command)
{
    const char *name = verbs[command->verb].arguments[0].name;

    return name != 0 && text_equal(name, "path") ? command->arguments[0] : (struct word){0};
}

/* Whether the path that the command names, if it does, is one. What is none reads like one that nothing is at. */
static bool names_a_path(struct console *console, const struct command *command)
{
    struct p9_path path = {.count = 0};
    struct word text = path_of(command);
    struct acknowledgement ack;

    if (!failed(p9_path_add(&path, text.at, text.size))) {
        return true;
    }
    ack_refusal(&ack, verbs[command->verb].label, status_error(ENOENT), text);
    console_put_ack(console, &ack);
    audit(console, command->verb, text, status_error(EINVAL), "no path");
    return false;
}

static void carry_out(struct console *console, const struct command *command)
{
    const struct word *arguments = command->arguments;
    enum verb_id verb = command->verb;

    switch (verb) {
    case VERB_HELP:
        acknowledge(console, verb);
        help(console);
        break;
    case VERB_BI:
    case VERB_CAPS:
    case VERB_MEM:
        acknowledge(console, verb);
        describe(console, verbs[verb].name);
        break;
    case VERB_PING:
        acknowledge(console, verb);
        console_put_text(console, "PONG");
        break;
    case VERB_QUIT:
        acknowledge(console, verb);
        attach_end(&console->attach);
        break;
    case VERB_ATTACH:
        attach(console, arguments[0], arguments[1]);
        break;
    case VERB_LOG:
        console_show(console, verb, (struct word){.at = QUEEN_LOG, .size = sizeof QUEEN_LOG - 1});
        break;
    case VERB_TAIL:
    case VERB_CAT:
        console_show(console, verb, arguments[0]);
        break;
    case VERB_LS:
        console_list(console, arguments[0]);
        break;
    case VERB_ECHO:
        console_echo(console, arguments[0], arguments[1]);
        break;
    case VERB_SPAWN:
        console_spawn(console, arguments[0]);
        break;
    case VERB_KILL:
        console_kill(console, arguments[0]);
        break;
    default: /* those of the hive's own console only */
        refuse_verb(console, verb, "unsupported");
        break;
    }
}

static bool may(const struct console *console, enum needs needs)
{
    return needs == NEEDS_NOTHING || (needs == NEEDS_ATTACH && console->attach.attached) || console->attach.queen;
}

static void take_command(struct console *console, const struct command *command)
{
    const struct verb *verb = &verbs[command->verb];

    if (verb->refused != 0) {
        refuse_verb(console, command->verb, verb->refused);
    } else if (!may(console, verb->needs)) {
        refuse_verb(console, command->verb, "unauthenticated");
        audit(console, command->verb, path_of(command), status_error(EPERM), "unauthenticated");
    } else if (names_a_path(console, command)) {
        carry_out(console, command);
    }
}

static void take_line(struct console *console)
{
    struct acknowledgement ack;
    struct command command;
    char detail[64];

    if (console->editor.size == 0) {
        return;
    }
    const char *refused = grammar_parse(console->editor.line, console->editor.size, &command, detail);
    if (refused == 0) {
        take_command(console, &command);
    } else {
        ack_unparsed(&ack, refused);
        console_put_ack(console, &ack);
    }
}

void console_begin(struct console *console, struct p9_client *client, const struct p9_host *host, const char *export,
                   const struct console_node *node, const struct sink *out, bool echo)
{
    line_begin(&console->editor, echo ? out : 0);
    attach_begin(&console->attach, client, host, export);
    console->node = node;
    console->out = out;
    console->busy = false;
    console->content.size = 0;
}

bool console_take(struct console *console, uint8_t byte)
{
    struct acknowledgement ack;

    switch (line_take(&console->editor, byte)) {
    case LINE_NONE:
        return false;
    case LINE_TOO_LONG:
        ack_unparsed(&ack, "console line exceeded maximum length");
        console_put_ack(console, &ack);
        break;
    case LINE_ENDED:
        console->busy = true;
        take_line(console);
        console->busy = false;
        break;
    }
    line_clear(&console->editor);
    console_prompt(console);
    return true;
}
