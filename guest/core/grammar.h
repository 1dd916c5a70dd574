/* The commands of the console as one table, and the parser that the table drives.
 *
 * The table is that of ninedoor/console/grammar.py, verb by verb: a test compares the two, and
 * tests/data/console/commands.txt holds both parsers to the same lines. Which verbs this node carries out, console.c
 * knows; whether a path exists or a role may do it, the hive. */
#ifndef NINEDOOR_CORE_GRAMMAR_H
#define NINEDOOR_CORE_GRAMMAR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { /* bytes in an argument, from ninedoor/limits.py */
    GRAMMAR_ROLE = 16,
    GRAMMAR_TICKET = 224,
    GRAMMAR_PATH = 96,
    GRAMMAR_JSON = 192,
    GRAMMAR_WORKER = 32,
    GRAMMAR_ECHO = 128,
    GRAMMAR_COUNT = 65535, /* largest count */
    GRAMMAR_ARGUMENTS = 2, /* of a verb, at most */
};

enum argument_kind {
    ARGUMENT_WORD,   /* up to the next blank */
    ARGUMENT_REST,   /* all that is left of the line, inner blanks included */
    ARGUMENT_NUMBER, /* a word of digits */
};

struct argument {
    const char *name;
    unsigned most; /* bytes, or the number where it is one */
    enum argument_kind kind;
    bool optional;
};

/* What the peer must be, beyond being there. */
enum needs {
    NEEDS_NOTHING,
    NEEDS_ATTACH,
    NEEDS_QUEEN,
};

/* What follows an OK. */
enum body_kind {
    BODY_NOTHING,
    BODY_LINE,   /* one fixed line */
    BODY_TEXT,   /* lines whose end nothing marks */
    BODY_STREAM, /* lines, and then END */
};

enum verb_id {
    VERB_HELP,
    VERB_BI,
    VERB_CAPS,
    VERB_MEM,
    VERB_PING,
    VERB_TEST,
    VERB_NETTEST,
    VERB_NETSTATS,
    VERB_LOG,
    VERB_CACHELOG,
    VERB_QUIT,
    VERB_TAIL,
    VERB_CAT,
    VERB_LS,
    VERB_ECHO,
    VERB_ATTACH,
    VERB_SPAWN,
    VERB_KILL,
    VERBS,
};

struct verb {
    const char *name, *label; /* label: what its acknowledgements call it */
    const char *help;
    const char *refused; /* not null: always refused, with this detail */
    enum needs needs;
    enum body_kind body;
    struct argument arguments[GRAMMAR_ARGUMENTS]; /* the first without a name ends them */
};

extern const struct verb verbs[VERBS]; /* by enum verb_id, which is the order of help */

/* A piece of the line. `size` 0: it was left out. */
struct word {
    const char *at;
    size_t size;
};

struct command {
    enum verb_id verb;
    struct word arguments[GRAMMAR_ARGUMENTS]; /* as in the verb; of a number, its digits */
};

/* What `line`, valid UTF-8 without its end, asks for. Returns null, or what the refusal is to say after `detail=`,
 * which is put together in `detail` if need be. `command` refers to the line. */
const char *grammar_parse(const char *line, size_t size, struct command *command, char detail[64]);

/* `name` and its arguments, as help writes them, into `usage`. */
void grammar_usage(const struct verb *verb, char *usage, size_t room);

#endif
