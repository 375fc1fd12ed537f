/* Quicksort of integers with insertion sort for short runs, and heapsort of the same. */
#include "workload.h"

#define COUNT 16384

static uint32_t numbers[COUNT];

static void insertion_sort(uint32_t *at, int count)
{
    for (int i = 1; i < count; i++) {
        uint32_t value = at[i];
        int j = i;
        for (; j > 0 && at[j - 1] > value; j--)
            at[j] = at[j - 1];
        at[j] = value;
    }
}

static void quick_sort(uint32_t *at, int count)
{
    while (count > 12) {
        uint32_t pivot = at[count / 2];
        int low = 0, high = count - 1;
        while (low <= high) {
            while (at[low] < pivot)
                low++;
            while (at[high] > pivot)
                high--;
            if (low <= high) {
                uint32_t swap = at[low];
                at[low++] = at[high];
                at[high--] = swap;
            }
        }
        quick_sort(at, high + 1);
        at += low;
        count -= low;
    }
    insertion_sort(at, count);
}

static void sift_down(uint32_t *heap, int root, int count)
{
    uint32_t value = heap[root];

    for (int child; (child = 2 * root + 1) < count; root = child) {
        if (child + 1 < count && heap[child + 1] > heap[child])
            child++;
        if (heap[child] <= value)
            break;
        heap[root] = heap[child];
    }
    heap[root] = value;
}

static void heap_sort(uint32_t *at, int count)
{
    for (int i = count / 2; i-- > 0;)
        sift_down(at, i, count);
    for (int end = count - 1; end > 0; end--) {
        uint32_t swap = at[0];
        at[0] = at[end];
        at[end] = swap;
        sift_down(at, 0, end);
    }
}

uint32_t run(unsigned units)
{
    uint32_t state = 2463534242u, hash = 0;

    for (unsigned unit = 0; unit < 2 * units; unit++) {
        for (int i = 0; i < COUNT; i++)
            numbers[i] = next_random(&state);
        if (unit & 1)
            heap_sort(numbers, COUNT);
        else
            quick_sort(numbers, COUNT);
        for (int i = 1; i < COUNT; i++)
            require(numbers[i - 1] <= numbers[i], "order");
        hash = mix(mix(hash, numbers[0]), numbers[COUNT / 2]);
    }
    return hash;
}
