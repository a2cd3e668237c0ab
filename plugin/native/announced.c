/* An announced body takes no memory before it comes. Loaded before every other library (LD_PRELOAD, plugin/launch.py).
 *
 * Orthanc 1.12 makes a string as long as a request's Content-Length says and fills it with zeros, before it reads the
 * first byte: whoever announces two gigabytes takes two gigabytes. Here pages that are to be filled with zeros are handed
 * back to the kernel instead, which gives out a zeroed page at the first write to it (madvise(2), MADV_DONTNEED).
 *
 * What is in the way of that is filled as ever: the ends of the range that are no whole pages, and any page that is not
 * zero afterwards because it is shared, belongs to a file, or is locked. So the answer is that of any memset.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* Larger than anything that is filled with zeros often: a frame of an image, a page of a database. */
#define LARGE ((size_t)16 * 1024 * 1024)

typedef void *fill_function(void *, int, size_t);

static void *fill_slowly(void *start, int byte, size_t size) {
    volatile unsigned char *bytes = start;
    while (size-- > 0)
        bytes[size] = (unsigned char)byte;
    return start;
}

static fill_function *fill = fill_slowly; /* until the real one is found */
static size_t page_size;

__attribute__((constructor)) static void find(void) {
    page_size = (size_t)sysconf(_SC_PAGESIZE);
    fill = (fill_function *)dlsym(RTLD_NEXT, "memset");
}

__attribute__((noinline)) static void *fill_with_fresh_pages(void *start, size_t size) {
    unsigned char *first = (unsigned char *)(((uintptr_t)start + page_size - 1) & ~(page_size - 1));
    unsigned char *end = (unsigned char *)start + size, *stop = (unsigned char *)((uintptr_t)end & ~(page_size - 1));
    if (madvise(first, (size_t)(stop - first), MADV_DONTNEED) != 0)
        return fill(start, 0, size);
    fill(start, 0, (size_t)(first - (unsigned char *)start));
    fill(stop, 0, (size_t)(end - stop));
    for (unsigned char *page = first; page < stop; page += page_size)
        if (page[0] != 0 || memcmp(page, page + 1, page_size - 1) != 0)
            fill(page, 0, page_size);
    return start;
}

void *memset(void *start, int byte, size_t size) {
    return size >= LARGE && byte == 0 && page_size != 0 ? fill_with_fresh_pages(start, size) : fill(start, byte, size);
}
