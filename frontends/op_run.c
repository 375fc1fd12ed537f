/* Running commands in the guest's shell, and switching the guest off by one.
 *
 * What is typed for `run` is one line:
 *
 *     echo B":"TAG B":"TAG;command eval 'COMMAND';echo E":"TAG:$? E":"TAG:$?
 *
 * The shell's output then has "B:TAG" before the command's and "E:TAG:STATUS" after it. Neither is part of
 * the echo of the typed line, however that is wrapped or redrawn, because of the quotes; TAG differs each
 * time. The markers come twice, so that a message of the kernel that lands in one of them does no harm.
 * `command` keeps a syntax error in COMMAND from ending the line. */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "frontends/kernel_lines.h"
#include "frontends/operation_functions.h"
#include "frontends/wait.h"

/* A terminal in line mode takes 4095 characters. */
enum { LINE_MOST = 4000, TAG_SIZE = 24 };

/* ---- The typed line ---------------------------------------------------------------------------------- */

/* 'it'\''s' */
static void put_quoted(FILE *out, const Bytes *command)
{
    fputc('\'', out);
    for (size_t n = 0; n < command->length; n++) {
        if (command->data[n] == '\'')
            fputs("'\\''", out);
        else
            fputc(command->data[n], out);
    }
    fputc('\'', out);
}

/* Tabs and newlines mean something to a shell's line editor, so they are typed as escapes. */
static void put_escaped(FILE *out, const Bytes *command)
{
    fputs("\"$(printf '%b' '", out);
    for (size_t n = 0; n < command->length; n++) {
        uint8_t ch = command->data[n];
        if (ch < ' ' || ch == 0x7f || ch == '\\' || ch == '\'')
            fprintf(out, "\\0%03o", ch);
        else
            fputc(ch, out);
    }
    fputs("')\"", out);
}

static bool has_control(const Bytes *command)
{
    for (size_t n = 0; n < command->length; n++)
        if (command->data[n] < ' ' || command->data[n] == 0x7f)
            return true;
    return false;
}

static char *typed_line(const Bytes *command, const char *tag, size_t *length)
{
    char *line;
    FILE *out = open_memstream(&line, length);
    if (!out)
        abort();
    fprintf(out, "echo B\":\"%s B\":\"%s;command eval ", tag, tag);
    if (has_control(command))
        put_escaped(out, command);
    else
        put_quoted(out, command);
    fprintf(out, ";echo E\":\"%s:$? E\":\"%s:$?\r", tag, tag);
    fclose(out);
    return line;
}

/* ---- The answer -------------------------------------------------------------------------------------- */

static char *find_last(char *text, char *end, const char *word)
{
    char *found = NULL;
    for (char *at = text; (at = memmem(at, (size_t)(end - at), word, strlen(word))); at++)
        found = at;
    return found;
}

static size_t without_carriage_returns(char *text, size_t length)
{
    size_t kept = 0;
    for (size_t n = 0; n < length; n++)
        if (text[n] != '\r' || n + 1 == length || text[n + 1] != '\n')
            text[kept++] = text[n];
    return kept;
}

/* What lies between the markers, without the kernel's messages. */
static json_t *output_between(const Wait *wait, const char *tag)
{
    char begin[TAG_SIZE + 8], end[TAG_SIZE + 8];
    size_t length;
    Session *session = wait->call->client->session;
    Transcript *transcript = session_transcript(session, wait->port);
    const uint8_t *text = transcript_text(transcript, wait->from, &length);
    uint64_t from = transcript_end(transcript) - length;
    length = (size_t)(wait->match.end - from);
    char *copy = malloc(length + 1), *stop;
    if (!copy)
        abort();
    memcpy(copy, text, length);
    length = kernel_lines_strip(session_kernel_lines(session, wait->port), from, copy, length);
    snprintf(begin, sizeof begin, "B:%s", tag);
    snprintf(end, sizeof end, "E:%s:", tag);
    char *start = find_last(copy, copy + length, begin);
    start = start ? memchr(start, '\n', (size_t)(copy + length - start)) : NULL;
    start = start ? start + 1 : copy;
    stop = memmem(start, (size_t)(copy + length - start), end, strlen(end));
    size_t kept = without_carriage_returns(start, (size_t)((stop ? stop : copy + length) - start));
    json_t *output = json_bytes(start, kept);
    free(copy);
    return output;
}

/* The tag is what the wait's text begins with; see op_run(). */
static void run_ended(Wait *wait)
{
    char tag[TAG_SIZE] = "";
    Client *client = wait->call->client;
    if (!wait->matched) {
        wait_timed_out(wait);
        return;
    }
    const MatchCapture *capture = wait->match.capture;
    Transcript *transcript = session_transcript(client->session, wait->port);
    size_t length;
    memcpy(tag, transcript_text(transcript, capture[0].start, &length),
           (size_t)(capture[0].end - capture[0].start));
    int status = atoi((const char *)transcript_text(transcript, capture[1].start, &length));
    client->read[wait->port] = wait->match.end;
    if (client->seen)
        client->seen(client, wait->port);
    wait_finish(wait, json_pack("{s:o, s:i}", "output", output_between(wait, tag), "status", status));
}

static Matcher *end_marker(const char *tag)
{
    char pattern[64];
    Matcher *matcher = matcher_new();
    snprintf(pattern, sizeof pattern, "E:(%s):(%%d+)[ \r]", tag);
    matcher_add(matcher, pattern, strlen(pattern), true, NULL);
    return matcher;
}

void op_run(Call *call, const Bytes *command, uint64_t timeout, unsigned port)
{
    Session *session = call->client->session;
    SerialPort *serial = &session_machine(session)->env.serial[port];
    uint64_t from = transcript_end(session_transcript(session, port));
    char tag[TAG_SIZE];
    size_t length;
    char *shown = text_one_line(command->data, command->length > 80 ? 80 : command->length), *what;
    if (asprintf(&what, "run \"%s%s\"", shown, command->length > 80 ? "..." : "") < 0)
        abort();
    free(shown);
    snprintf(tag, sizeof tag, "%xX%05x", session_number(session), (unsigned)(from * 2654435761u & 0xfffff));
    char *line = typed_line(command, tag, &length);
    if (length > LINE_MOST) {
        call_fail(call, "run: the command is too long to be typed; put it into a file in pieces");
        free(what);
    } else {
        Wait *wait = wait_new(call, timeout, what, run_ended);
        if (wait) {
            serial_send(serial, line, length);
            wait_for_text(wait, port, end_marker(tag), from);
        }
    }
    free(line);
}

/* ---- Switching off ----------------------------------------------------------------------------------- */

static void is_off(Call *call)
{
    wait_finish(call->wait, NULL);
}

void op_wait_off(Call *call, uint64_t timeout)
{
    if (session_off(call->client->session))
        call_finish(call, NULL);
    else if (wait_new(call, timeout, strdup(call->operation->name), wait_timed_out))
        call->off = is_off;
}

void op_poweroff(Call *call, const Bytes *command, uint64_t timeout, unsigned port)
{
    SerialPort *serial = &session_machine(call->client->session)->env.serial[port];
    if (!wait_new(call, timeout, strdup(call->operation->name), wait_timed_out))
        return;
    call->off = is_off;
    serial_send(serial, command->data, command->length);
    serial_send(serial, "\r", 1);
}
