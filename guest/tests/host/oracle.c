/* The guest's line editor, grammar, acknowledgements, bodies and codec, for comparison with the hive's own.
 *
 * A question per line of input, an answer per line of output; texts are hexadecimal, `-` is the empty one:
 *     line TYPED                      `=LINE` or `!` for each ended line
 *     echo TYPED                      what a terminal would be shown, LF for a line end
 *     command LINE                    `VERB NAME=VALUE …` or `!DETAIL`
 *     verb INDEX                      the verb's row, or `none`
 *     body PATH CONTENT               `=PIECE` for each line sent
 *     summary PATH CONTENT            `=DATA`
 *     ok VERB [KEY VALUE]…            `=LINE`; so for `err VERB REASON [KEY VALUE]…`
 *     refusal VERB ERRNO PATH         `=LINE`
 *     throttle [c MS | f MS | s -]…   `=DETAIL:DELAY` or `=` for each of check and failure
 *     path TEXT                       names, or `error NAME`
 *     ticket TEXT                     `ROLE SUBJECT EXPIRES_MS` or `none`
 *     request TYPE ARGUMENTS…         the frame
 *     reply TYPE LIMIT FRAME          fields, or `error NAME` */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/body.h"
#include "core/p9_message.h"
#include "core/throttle.h"
#include "core/ticket.h"

enum { WORD = 200000 };

static char *rest; /* of the question */

static char *word(void)
{
    char *found = strtok(0, " \n");

    return found != 0 ? found : rest;
}

struct bytes {
    char *at;
    size_t size;
};

/* The next word decoded, in memory of exactly its size, so that the sanitizer sees what is read beyond. */
static struct bytes text(void)
{
    const char *digits = word();
    size_t size = strcmp(digits, "-") == 0 ? 0 : strlen(digits) / 2;
    struct bytes bytes = {malloc(size > 0 ? size : 1), size};

    for (size_t i = 0; i < size; i++) {
        unsigned byte;

        sscanf(digits + 2 * i, "%2x", &byte);
        bytes.at[i] = (char)byte;
    }
    return bytes;
}

static void put_hex(const char *before, const void *bytes, size_t size)
{
    printf("%s", before);
    for (size_t i = 0; i < size; i++) {
        printf("%02x", ((const uint8_t *)bytes)[i]);
    }
}

static void edit(void)
{
    struct bytes typed = text();
    struct line_editor editor;

    line_begin(&editor, 0);
    for (size_t i = 0; i < typed.size; i++) {
        switch (line_take(&editor, (uint8_t)typed.at[i])) {
        case LINE_ENDED:
            put_hex(" =", editor.line, editor.size);
            break;
        case LINE_TOO_LONG:
            printf(" !");
            break;
        case LINE_NONE:
            break;
        }
    }
    free(typed.at);
}

static void put_echo(void *context, const char *bytes, size_t count)
{
    (void)context;
    put_hex("", bytes, count);
}

static void echo(void)
{
    static const struct sink sink = {.put = put_echo};
    struct bytes typed = text();
    struct line_editor editor;

    line_begin(&editor, &sink);
    printf("=");
    for (size_t i = 0; i < typed.size; i++) {
        line_take(&editor, (uint8_t)typed.at[i]);
    }
    free(typed.at);
}

static void parse(void)
{
    struct bytes line = text();
    struct command command;
    char detail[64];
    const char *refused = grammar_parse(line.at, line.size, &command, detail);

    if (refused != 0) {
        put_hex("!", refused, strlen(refused));
    } else {
        const struct verb *verb = &verbs[command.verb];

        printf("%s", verb->name);
        for (unsigned i = 0; i < GRAMMAR_ARGUMENTS && verb->arguments[i].name != 0; i++) {
            if (command.arguments[i].size > 0) {
                printf(" %s=", verb->arguments[i].name);
                put_hex("", command.arguments[i].at, command.arguments[i].size);
            }
        }
    }
    free(line.at);
}

static void show_verb(void)
{
    static const char *const needs[] = {"nothing", "attach", "queen"};
    static const char *const bodies[] = {"nothing", "line", "text", "stream"};
    static const char *const kinds[] = {"word", "rest", "number"};
    unsigned index = (unsigned)strtoul(word(), 0, 10);

    if (index >= VERBS) {
        printf("none");
        return;
    }
    const struct verb *verb = &verbs[index];
    printf("%s|%s|%s|%s|%s|%s", verb->name, verb->label, verb->help, verb->refused != 0 ? verb->refused : "",
           needs[verb->needs], bodies[verb->body]);
    for (unsigned i = 0; i < GRAMMAR_ARGUMENTS && verb->arguments[i].name != 0; i++) {
        const struct argument *argument = &verb->arguments[i];

        printf("|%s,%u,%s,%d", argument->name, argument->most, kinds[argument->kind], argument->optional);
    }
}

static void cut_body(void)
{
    struct bytes path = text(), content = text();
    char piece[BODY_PIECE];
    struct body body;
    size_t size;

    body_begin(&body, content.at, content.size, body_is_binary((struct word){path.at, path.size}));
    while (body_next(&body, piece, &size)) {
        put_hex(" =", piece, size);
    }
    free(path.at);
    free(content.at);
}

static void summarise(void)
{
    struct bytes path = text(), content = text();
    char data[ACK_DETAIL];
    size_t size = body_summary(content.at, content.size, (struct word){path.at, path.size}, data);

    put_hex("=", data, size);
    free(path.at);
    free(content.at);
}

static void add_fields(struct acknowledgement *ack)
{
    for (const char *key = word(); key != rest; key = word()) {
        struct bytes value = text();

        ack_field(ack, key, value.at, value.size);
        free(value.at);
    }
    put_hex("=", ack->line, ack->size);
}

static void acknowledge(bool is_ok)
{
    struct acknowledgement ack;
    const char *verb = word();

    if (is_ok) {
        ack_ok(&ack, verb);
    } else {
        ack_err(&ack, verb, word());
    }
    add_fields(&ack);
}

static void refuse(void)
{
    struct acknowledgement ack;
    const char *verb = word();
    unsigned long error = strtoul(word(), 0, 10);
    struct bytes path = text();

    ack_refusal(&ack, verb, status_error((uint16_t)error), (struct word){path.at, path.size});
    put_hex("=", ack.line, ack.size);
    free(path.at);
}

static void throttle(void)
{
    struct throttle state = {0};

    for (const char *step = word(); step != rest; step = word()) {
        uint64_t now_ms = strtoull(word(), 0, 10);
        struct denial denial = {0};

        if (*step == 's') {
            throttle_succeeded(&state);
            continue;
        }
        denial = *step == 'c' ? throttle_check(&state, now_ms) : throttle_failed(&state, now_ms);
        if (denial.detail != 0) {
            printf(" =%s:%lu", denial.detail, (unsigned long)denial.delay_ms);
        } else {
            printf(" =");
        }
    }
}

static void cut_path(void)
{
    struct bytes path = text();
    struct p9_path names = {.count = 0};
    status result = p9_path_add(&names, path.at, path.size);

    if (failed(result)) {
        printf("error %s", error_name(result.error));
    } else {
        printf("ok");
        for (unsigned i = 0; i < names.count; i++) {
            put_hex(" ", names.names[i].at, names.names[i].size);
        }
    }
    free(path.at);
}

static void show_ticket(void)
{
    struct bytes token = text();
    struct ticket ticket;

    if (!ticket_read(token.at, token.size, &ticket)) {
        printf("none");
    } else {
        printf("%u ", ticket.role);
        put_hex("=", ticket.subject, strlen(ticket.subject));
        printf(" %lu", ticket.expires ? (unsigned long)ticket.expires_at_ms : 0);
    }
    free(token.at);
}

static unsigned long number(void)
{
    return strtoul(word(), 0, 10);
}

static void request(void)
{
    static uint8_t frame[P9_MSIZE];
    const char *type = word();
    uint16_t tag = (uint16_t)number();
    uint32_t fid = (uint32_t)number();
    struct p9_path path = {.count = 0};
    size_t size = 0;

    if (strcmp(type, "Tversion") == 0) {
        size = p9_tversion(frame, sizeof frame, fid);
    } else if (strcmp(type, "Tattach") == 0) {
        const char *uname = word();
        size = p9_tattach(frame, sizeof frame, tag, fid, uname, word());
    } else if (strcmp(type, "Twalk") == 0) {
        uint32_t new_fid = (uint32_t)number();
        const char *names = word();
        p9_path_add(&path, names, strlen(names));
        size = p9_twalk(frame, sizeof frame, tag, fid, new_fid, &path);
    } else if (strcmp(type, "Tlopen") == 0) {
        size = p9_tlopen(frame, sizeof frame, tag, fid, (uint32_t)number());
    } else if (strcmp(type, "Tgetattr") == 0) {
        size = p9_tgetattr(frame, sizeof frame, tag, fid);
    } else if (strcmp(type, "Tread") == 0 || strcmp(type, "Treaddir") == 0) {
        uint64_t offset = number();
        size = p9_tread(frame, sizeof frame, type[5] == 'd' ? P9_TREADDIR : P9_TREAD, tag, fid, offset, (uint32_t)number());
    } else if (strcmp(type, "Twrite") == 0) {
        uint64_t offset = number();
        struct bytes data = text();
        size = p9_twrite(frame, sizeof frame, tag, fid, offset, data.at, (uint32_t)data.size);
        free(data.at);
    } else {
        size = p9_tclunk(frame, sizeof frame, tag, fid);
    }
    put_hex("=", frame, size);
}

static void reply(void)
{
    enum p9_type type = (enum p9_type)number();
    uint32_t limit = (uint32_t)number();
    struct bytes frame = text();
    struct p9_reply reply;
    uint16_t tag;

    if (!p9_tag((uint8_t *)frame.at, frame.size, &tag)) {
        printf("error frame");
    } else {
        status result = p9_parse((uint8_t *)frame.at, frame.size, (struct p9_question){type, limit}, &reply);

        if (failed(result)) {
            printf("error %u", result.error);
        } else {
            printf("ok %u %u,%u,%lu %u %lu %lu", tag, reply.qid.type, reply.qid.version,
                   (unsigned long)reply.qid.path, reply.count, (unsigned long)reply.size, (unsigned long)reply.base);
            put_hex(" =", reply.data, reply.data != 0 ? reply.count : 0);
        }
    }
    free(frame.at);
}

static const struct {
    const char *name;
    void (*answer)(void);
} questions[] = {
    {"line", edit},        {"echo", echo},           {"command", parse},     {"verb", show_verb},
    {"body", cut_body},    {"summary", summarise},   {"refusal", refuse},    {"throttle", throttle},
    {"path", cut_path},    {"ticket", show_ticket},  {"request", request},   {"reply", reply},
};

int main(void)
{
    static char question[2 * WORD];
    static char nothing[1];

    rest = nothing;
    while (fgets(question, sizeof question, stdin) != 0) {
        const char *name = strtok(question, " \n");

        if (name != 0 && (strcmp(name, "ok") == 0 || strcmp(name, "err") == 0)) {
            acknowledge(name[0] == 'o');
        }
        for (size_t i = 0; name != 0 && i < sizeof questions / sizeof questions[0]; i++) {
            if (strcmp(name, questions[i].name) == 0) {
                questions[i].answer();
            }
        }
        printf("\n");
        fflush(stdout);
    }
    return 0;
}
