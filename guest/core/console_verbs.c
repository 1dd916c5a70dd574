#include "core/console_verbs.h"

#include "bytes.h"
#include "core/json.h"
#include "format.h"

#define QUEEN_CONTROL "/queen/ctl"

static void refuse(struct console *console, enum verb_id verb, status refused, struct word path)
{
    struct acknowledgement ack;

    ack_refusal(&ack, verbs[verb].label, refused, path);
    console_put_ack(console, &ack);
}

static void put_content(struct console *console, struct word path)
{
    const struct content *content = &console->content;
    char piece[BODY_PIECE];
    struct body body;
    size_t size;

    body_begin(&body, content->bytes, content->size, body_is_binary(path));
    while (body_next(&body, piece, &size)) {
        console_put_line(console, piece, size);
    }
    console_put_text(console, "END");
}

static status open_path(struct console *console, struct word path, uint32_t flags, struct p9_file *file)
{
    struct p9_tree tree;
    status result = attach_tree(&console->attach, &tree);

    return failed(result) ? result : p9_explain(&tree, p9_open(file, &tree, path.at, path.size, flags));
}

void console_show(struct console *console, enum verb_id verb, struct word path)
{
    struct content *content = &console->content;
    struct acknowledgement ack;
    char data[ACK_DETAIL];
    struct p9_file file;
    status result = open_path(console, path, P9_RDONLY, &file);

    if (!failed(result)) {
        result = verb == VERB_CAT ? content_whole(content, &file) : content_latest(content, &file);
        p9_close(&file);
    }
    if (failed(result)) {
        refuse(console, verb, result, verb == VERB_LOG ? (struct word){0} : path);
        return;
    }
    ack_ok(&ack, verbs[verb].label);
    if (verb != VERB_LOG) {
        ack_field(&ack, "path", path.at, path.size);
    }
    if (verb == VERB_CAT) {
        ack_field(&ack, "data", data, body_summary(content->bytes, content->size, path, data));
    }
    console_put_ack(console, &ack);
    put_content(console, path);
}

void console_list(struct console *console, struct word path)
{
    struct acknowledgement ack;
    struct p9_file directory;
    unsigned entries = 0;
    status result = open_path(console, path, P9_RDONLY, &directory);

    if (!failed(result)) {
        result = content_names(&console->content, &directory, &entries);
        p9_close(&directory);
    }
    if (failed(result)) {
        refuse(console, VERB_LS, result, path);
        return;
    }
    ack_ok(&ack, verbs[VERB_LS].label);
    ack_field(&ack, "path", path.at, path.size);
    ack_number(&ack, "entries", entries);
    console_put_ack(console, &ack);
    put_content(console, (struct word){0});
}

/* Append `text` and a line feed to `path`, in one write. */
static status append_line(struct console *console, struct word path, struct word text)
{
    char line[LINE_BYTES + 1];
    struct p9_file file;
    status result = open_path(console, path, P9_WRONLY | P9_O_APPEND, &file);

    if (!failed(result)) {
        memcpy(line, text.at, text.size);
        line[text.size] = '\n';
        result = p9_append(&file, line, text.size + 1);
        p9_close(&file);
    }
    return result;
}

void console_echo(struct console *console, struct word path, struct word payload)
{
    struct acknowledgement ack;
    status result = append_line(console, path, payload);

    if (failed(result)) {
        refuse(console, VERB_ECHO, result, path);
        return;
    }
    ack_ok(&ack, verbs[VERB_ECHO].label);
    ack_field(&ack, "path", path.at, path.size);
    ack_number(&ack, "bytes", payload.size);
    console_put_ack(console, &ack);
}

static void acknowledge(struct console *console, enum verb_id verb, const char *key, struct word argument)
{
    struct acknowledgement ack;

    ack_ok(&ack, verbs[verb].label);
    ack_field(&ack, key, argument.at, argument.size);
    console_put_ack(console, &ack);
}

/* SPAWN and KILL are acknowledged before they are carried out; what then goes wrong is told in a second line. */
static void command_queen(struct console *console, enum verb_id verb, struct word command)
{
    const struct word control = {.at = QUEEN_CONTROL, .size = sizeof QUEEN_CONTROL - 1};
    status result = append_line(console, control, command);

    if (failed(result)) {
        refuse(console, verb, result, (struct word){0});
    }
}

/* Whether `payload` could be a command that is not this verb's to give. What is none at all is left to the hive, which
 * keeps a record of it. A name spelt with escapes is believed to be the worst. */
static bool is_another_command(struct word payload)
{
    static const char *const others[] = {"kill", "budget", "bind", "mount"};

    if (json_has_member(payload.at, payload.size, "spawn")) {
        return false;
    }
    for (size_t i = 0; i < ARRAY_LENGTH(others); i++) {
        if (json_has_member(payload.at, payload.size, others[i])) {
            return true;
        }
    }
    for (size_t i = 0; i < payload.size; i++) {
        if (payload.at[i] == '\\') {
            return true;
        }
    }
    return false;
}

void console_spawn(struct console *console, struct word payload)
{
    acknowledge(console, VERB_SPAWN, "payload", payload);
    if (is_another_command(payload)) {
        refuse(console, VERB_SPAWN, status_error(EINVAL), (struct word){0});
    } else {
        command_queen(console, VERB_SPAWN, payload);
    }
}

void console_kill(struct console *console, struct word worker)
{
    char command[16 + 2 * GRAMMAR_WORKER];
    struct text text;

    text_begin(&text, command, sizeof command);
    text_add(&text, "{\"kill\":\"");
    for (size_t i = 0; i < worker.size; i++) {
        bool special = worker.at[i] == '"' || worker.at[i] == '\\';

        text_add(&text, special ? "\\%c" : "%c", worker.at[i]);
    }
    text_add(&text, "\"}");
    acknowledge(console, VERB_KILL, "id", worker);
    command_queen(console, VERB_KILL, (struct word){.at = text.at, .size = text.used});
}
