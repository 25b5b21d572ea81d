/*
 * The names of blobs: what writes them and what recognizes them, kept each other's exact
 * inverse, because the sweeper removes what carries a name of this grammar and must never
 * touch anything else.
 */
#include "blobs/blobs.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum {
    ID_LEN = IMGJOB_ID_SIZE - 1,
    TOKEN_LEN = 16,       /* hex digits of 64 bits */
    OUTPUT_NAME_MAX = 64, /* as the spec room has it */
    EXTENSION_MAX = 8
};

void ij_blob_input_key(const struct ij_id *id, uint32_t input, char out[IJ_BLOB_KEY_SIZE])
{
    char text[IMGJOB_ID_SIZE];
    ij_id_format(id, text);
    (void)snprintf(out, IJ_BLOB_KEY_SIZE, "%s.in%" PRIu32, text, input); /* always fits */
}

void ij_blob_output_key(const struct ij_id *id, uint64_t gen, uint64_t token,
                        const char *name, const char *ext, char out[IJ_BLOB_KEY_SIZE])
{
    char text[IMGJOB_ID_SIZE];
    ij_id_format(id, text);
    (void)snprintf(out, IJ_BLOB_KEY_SIZE, "%s.%" PRIu64 "-%016" PRIx64 ".%.*s.%.*s", text,
                   gen, token, OUTPUT_NAME_MAX, name, EXTENSION_MAX, ext);
}

/* Read the one way in which a number is written: no sign, no leading zero.
 * @return the first character after it, or NULL */
static const char *read_decimal(const char *at, uint64_t max, uint64_t *out)
{
    if (*at < '0' || *at > '9' || (at[0] == '0' && at[1] >= '0' && at[1] <= '9'))
        return NULL;
    uint64_t value = 0;
    for (; *at >= '0' && *at <= '9'; at++) {
        uint64_t digit = (uint64_t)(*at - '0');
        if (value > (max - digit) / 10)
            return NULL;
        value = value * 10 + digit;
    }
    *out = value;
    return at;
}

static const char *read_token(const char *at, uint64_t *out)
{
    uint64_t value = 0;
    for (int i = 0; i < TOKEN_LEN; i++, at++) {
        if (*at >= '0' && *at <= '9')
            value = value << 4 | (uint64_t)(*at - '0');
        else if (*at >= 'a' && *at <= 'f')
            value = value << 4 | (uint64_t)(*at - 'a' + 10);
        else
            return NULL;
    }
    *out = value;
    return at;
}

static bool is_word_character(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

/* @return the first character after the output's name, or NULL */
static const char *read_output_name(const char *at)
{
    if (!is_word_character(*at))
        return NULL;
    size_t len = 1;
    while (is_word_character(at[len]) || at[len] == '_' || at[len] == '-')
        len++;
    return len <= OUTPUT_NAME_MAX ? at + len : NULL;
}

static bool is_extension(const char *at)
{
    size_t len = 0;
    while (is_word_character(at[len]))
        len++;
    return len >= 1 && len <= EXTENSION_MAX && at[len] == '\0';
}

/* "<gen>-<token>.<name>.<ext>" */
static bool read_output(const char *at, struct ij_blob_name *name)
{
    at = read_decimal(at, UINT64_MAX, &name->gen);
    if (!at || *at != '-')
        return false;
    at = read_token(at + 1, &name->token);
    if (!at || *at != '.')
        return false;
    at = read_output_name(at + 1);
    return at && *at == '.' && is_extension(at + 1);
}

bool ij_blob_key_parse(const char *key, struct ij_blob_name *out)
{
    struct ij_blob_name name = { 0 };
    if (!ij_id_parse(key, strnlen(key, IJ_BLOB_KEY_SIZE), &name.id) || key[ID_LEN] != '.')
        return false;
    const char *at = key + ID_LEN + 1;
    if (strncmp(at, "in", 2) == 0) {
        uint64_t input;
        at = read_decimal(at + 2, UINT32_MAX, &input);
        if (!at || *at != '\0')
            return false;
        name.is_input = true;
        name.input = (uint32_t)input;
    } else if (!read_output(at, &name)) {
        return false;
    }
    *out = name;
    return true;
}

const char *ij_blob_key_next(const char *list, char out[IJ_BLOB_KEY_SIZE])
{
    size_t len = strcspn(list, "\n");
    (void)snprintf(out, IJ_BLOB_KEY_SIZE, "%.*s", (int)len, list);
    return list[len] ? list + len + 1 : list + len;
}
