#include "frontends/window_slots.h"

#include <stdio.h>
#include <string.h>

enum { MARGIN = 16, LINE = FONT_HEIGHT + 2, CELL_WIDTH = 300, CELL_HEIGHT = THUMBNAIL_HEIGHT + 8, GAP = 4 };
enum { PANEL = 0xf01c2733, EDGE = 0xff5b7a99, CHOSEN = 0xff35587a, TEXT = 0xffe6edf3, FAINT = 0xff9fb2c4 };
enum { DARK = 0xff0b1016 };

void window_slots_open(WindowSlots *slots, bool saving)
{
    char path[1100];
    slots->open = true;
    slots->saving = saving;
    slots->sure = -1;
    for (unsigned n = 0; n < SLOTS; n++) {
        slots->slot[n] = (Slot){0};
        if (slot_path(slots->folder, n, path, sizeof path))
            slot_read(&slots->slot[n], path);
    }
}

/* ---- Choosing ----------------------------------------------------------------------------------------- */

static void point_at(WindowSlots *slots, int n)
{
    if (n < 0 || n >= SLOTS)
        return;
    if (n != slots->chosen)
        slots->sure = -1;
    slots->chosen = n;
}

/* A slot that is in use is replaced only when it is chosen twice. */
static int choose(WindowSlots *slots)
{
    int n = slots->chosen;
    bool used = slots->slot[n].used, sure = slots->sure == n;
    slots->sure = n;
    if (slots->saving ? used && !sure : !used)
        return -1;
    slots->open = false;
    return n;
}

int window_slots_key(WindowSlots *slots, SlotsKey key)
{
    int columns = slots->columns ? slots->columns : 1;
    switch (key) {
    case SLOTS_UP:
        point_at(slots, slots->chosen - columns);
        break;
    case SLOTS_DOWN:
        point_at(slots, slots->chosen + columns);
        break;
    case SLOTS_LEFT:
        point_at(slots, slots->chosen - 1);
        break;
    case SLOTS_RIGHT:
        point_at(slots, slots->chosen + 1);
        break;
    case SLOTS_ENTER:
        return choose(slots);
    case SLOTS_BACK:
        slots->open = false;
        break;
    }
    return -1;
}

int window_slots_digit(WindowSlots *slots, int digit)
{
    point_at(slots, (digit + 9) % 10);
    return choose(slots);
}

/* The size of the page. */
static void measure(const WindowSlots *slots, int *width, int *height)
{
    *width = slots->columns * CELL_WIDTH + 2 * MARGIN;
    *height = (SLOTS + slots->columns - 1) / slots->columns * CELL_HEIGHT + LINE + 2 * MARGIN;
}

int window_slots_pointer(WindowSlots *slots, int x, int y, bool click)
{
    int width, height;
    if (!slots->columns)
        return -1;
    measure(slots, &width, &height);
    if (x < slots->x || x >= slots->x + width || y < slots->y || y >= slots->y + height) {
        slots->open &= !click;
        return -1;
    }
    int column = (x - slots->x - MARGIN) / CELL_WIDTH, row = (y - slots->y - MARGIN - LINE) / CELL_HEIGHT;
    bool inside = x >= slots->x + MARGIN && column < slots->columns && y >= slots->y + MARGIN + LINE &&
                  row * slots->columns + column < SLOTS;
    if (!inside)
        return -1;
    point_at(slots, row * slots->columns + column);
    return click ? choose(slots) : -1;
}

/* ---- Drawing ------------------------------------------------------------------------------------------ */

static void draw_thumbnail(const Slot *slot, Canvas *canvas, int x, int y)
{
    canvas_fill(canvas, x, y, THUMBNAIL_WIDTH, THUMBNAIL_HEIGHT, DARK);
    x += (THUMBNAIL_WIDTH - slot->width) / 2;
    y += (THUMBNAIL_HEIGHT - slot->height) / 2;
    for (int row = 0; row < slot->height; row++)
        for (int column = 0; column < slot->width; column++)
            canvas_fill(canvas, x + column, y + row, 1, 1, slot->thumbnail[row * slot->width + column]);
}

static void draw_slot(const WindowSlots *slots, Canvas *canvas, int n, int x, int y)
{
    const Slot *slot = &slots->slot[n];
    char number[8];
    if (n == slots->chosen)
        canvas_fill(canvas, x, y, CELL_WIDTH - GAP, CELL_HEIGHT - GAP / 2, CHOSEN);
    draw_thumbnail(slot, canvas, x + GAP, y + GAP - 1);
    snprintf(number, sizeof number, "%d", (n + 1) % 10);
    x += THUMBNAIL_WIDTH + 3 * GAP;
    canvas_text(canvas, x, y + GAP, number, TEXT);
    x += 2 * FONT_WIDTH;
    canvas_text(canvas, x, y + GAP, slot->used ? slot->date : "empty", slot->used ? TEXT : FAINT);
    canvas_text(canvas, x, y + GAP + LINE, slot->text, FAINT);
    if (slots->saving && slots->sure == n)
        canvas_text(canvas, x, y + GAP + 2 * LINE, "again: replace it", TEXT);
}

void window_slots_draw(WindowSlots *slots, Canvas *canvas)
{
    int width, height;
    slots->columns = canvas->width >= 2 * CELL_WIDTH + 2 * MARGIN ? 2 : 1;
    measure(slots, &width, &height);
    int x = (canvas->width - width) / 2, y = (canvas->height - height) / 2;
    slots->x = x = x < 0 ? 0 : x;
    /* In a window that is too low, the chosen one is always seen. */
    if (height > canvas->height) {
        int below = (slots->chosen / slots->columns + 1) * CELL_HEIGHT + LINE + 2 * MARGIN - canvas->height;
        y = below > 0 ? -below : 0;
    }
    slots->y = y;
    canvas_fill(canvas, x, y, width, height, EDGE);
    canvas_fill(canvas, x + 1, y + 1, width - 2, height - 2, PANEL);
    canvas_text(canvas, x + MARGIN, y + MARGIN - 4,
                slots->saving ? "Save the machine into slot ... (Esc: back)"
                              : "Go back to what is in slot ... (Esc: back)",
                FAINT);
    for (int n = 0; n < SLOTS; n++)
        draw_slot(slots, canvas, n, x + MARGIN + n % slots->columns * CELL_WIDTH,
                  y + MARGIN + LINE + n / slots->columns * CELL_HEIGHT);
}
