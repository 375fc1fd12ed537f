/* Operations on the serial ports: waiting for texts, typing. */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "frontends/operation_functions.h"
#include "frontends/serial_backend.h"
#include "frontends/wait.h"
#include "frontends/wanted.h"

/* Of what came before a match, at most this much is part of the result. */
enum { BEFORE_MOST = 1 << 20 };

/* ---- Waiting for texts --------------------------------------------------------------------------------- */

static json_t *piece(const Wait *wait, uint64_t start, uint64_t end)
{
    size_t length;
    Transcript *transcript = session_transcript(wait->call->client->session, wait->port);
    const uint8_t *text = transcript_text(transcript, start, &length);
    uint64_t from = transcript_end(transcript) - length;
    return json_bytes(text, end > from ? (size_t)(end - from) : 0);
}

static json_t *match_json(const Wait *wait)
{
    const Match *match = &wait->match;
    json_t *captures = json_array();
    for (unsigned n = 0; n < match->capture_count; n++) {
        const MatchCapture *capture = &match->capture[n];
        json_array_append_new(captures, capture->position
                                            ? json_integer((json_int_t)(capture->start - wait->from + 1))
                                            : piece(wait, capture->start, capture->end));
    }
    uint64_t before = match->start - wait->from > BEFORE_MOST ? match->start - BEFORE_MOST : wait->from;
    json_t *result = json_object();
    json_object_set_new(result, "index", json_integer(match->index + 1));
    json_object_set_new(result, "text", piece(wait, match->start, match->end));
    json_object_set_new(result, "captures", captures);
    json_object_set_new(result, "before", piece(wait, before, match->start));
    return result;
}

static void expect_ended(Wait *wait)
{
    Client *client = wait->call->client;
    if (!wait->matched) {
        wait_timed_out(wait);
        return;
    }
    client->read[wait->port] = wait->match.end;
    if (client->seen)
        client->seen(client, wait->port);
    wait_finish(wait, match_json(wait));
}

static void expect(Call *call, const json_t *list, bool is_pattern, uint64_t timeout, unsigned port)
{
    char *what;
    Matcher *matcher = wanted_matcher(call, list, is_pattern, &what);
    Wait *wait = matcher ? wait_new(call, timeout, what, expect_ended) : NULL;
    if (wait)
        wait_for_text(wait, port, matcher, call->client->read[port]);
    else
        matcher_free(matcher);
}

void op_expect(Call *call, const json_t *text, uint64_t timeout, unsigned port)
{
    expect(call, text, false, timeout, port);
}

void op_match(Call *call, const json_t *pattern, uint64_t timeout, unsigned port)
{
    expect(call, pattern, true, timeout, port);
}

/* ---- Typing ------------------------------------------------------------------------------------------ */

static void type(Call *call, unsigned port, const void *text, size_t length)
{
    serial_send(&session_machine(call->client->session)->env.serial[port], text, length);
}

void op_send(Call *call, const Bytes *text, unsigned port)
{
    type(call, port, text->data, text->length);
}

void op_sendline(Call *call, const Bytes *text, unsigned port)
{
    type(call, port, text->data, text->length);
    type(call, port, "\r", 1);
}

void op_send_break(Call *call, unsigned port)
{
    serial_send_break(&session_machine(call->client->session)->env.serial[port]);
}

/* ---- Looking ---------------------------------------------------------------------------------------------
 */

Bytes *op_output(Call *call, uint32_t lines, unsigned port)
{
    size_t length;
    const uint8_t *text = transcript_text(session_transcript(call->client->session, port), 0, &length);
    size_t from = length;
    /* A newline at the very end ends the last line. */
    while (from > 0 && (text[from - 1] != '\n' || from == length || --lines > 0))
        from--;
    return bytes_new(text + from, length - from);
}

void op_timeout(Call *call, uint64_t seconds)
{
    call->client->timeout_ns = seconds == UINT64_MAX ? CLIENT_TIMEOUT_NS : seconds;
}

json_t *op_ports(Call *call)
{
    Session *session = call->client->session;
    json_t *ports = json_array();
    unsigned count = session_machine(session)->options.console ? SERIAL_PORTS : SERIAL_UARTS;
    for (unsigned n = 0; n < count; n++)
        json_array_append_new(ports,
                              json_pack("{s:i, s:s, s:I, s:I}", "port", (int)n, "place",
                                        serial_backend_place(session_serial(session), n), "sent",
                                        (json_int_t)transcript_end(session_transcript(session, n)), "waiting",
                                        (json_int_t)session_machine(session)->env.serial[n].length));
    return ports;
}
