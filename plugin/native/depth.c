/* What nested data may cost Orthanc's threads. Loaded before every other library (LD_PRELOAD, plugin/launch.py).
 *
 * Whatever reads nested data calls itself once per level, and the sender chooses how many there are. Orthanc's web server
 * asks for thread stacks of 100 kB, which a few dozen levels exhaust, and its other threads get the system's 8 MB, which
 * 12,000 nested sequences of one C-STORE exhaust. Two defences (docs/adr/0017-deep-nesting.md has the measurements):
 *
 * 1. Threads get real stacks. They are reserved only: memory is taken when it is used.
 * 2. DCMTK reads no sequence that lies deeper than MOST_NESTED. It returns EC_CorruptedData instead, as for any other
 *    data that it cannot read, so a C-STORE ends with its association. No Orthanc before 1.13 has a limit of its own.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#define MEGABYTE ((size_t)1024 * 1024)

/* For a thread that asks for a size of its own: the web server's. */
static const size_t LEAST = 8 * MEGABYTE;
/* For all others, the DICOM threads among them: were DCMTK's reader not the one known below, 80,000 levels would fit. */
static const size_t USUAL = 64 * MEGABYTE;
/* Real files have fewer than 10 levels, the judge takes 16. What it refuses must be read to be kept in quarantine, and
 * the time that DCMTK needs grows with the square of the depth: 0.1 s for 1,000. */
static const int MOST_NESTED = 1000;

static int set_stack_size(pthread_attr_t *attributes, size_t size) {
    int (*next)(pthread_attr_t *, size_t) = dlsym(RTLD_NEXT, "pthread_attr_setstacksize");
    return next(attributes, size);
}

int pthread_attr_setstacksize(pthread_attr_t *attributes, size_t size) {
    return set_stack_size(attributes, size < LEAST ? LEAST : size);
}

__attribute__((constructor)) static void raise_usual_size(void) {
    pthread_attr_t attributes;
    size_t size = 0;
    if (pthread_getattr_default_np(&attributes) != 0)
        return;
    if (pthread_attr_getstacksize(&attributes, &size) == 0 && size < USUAL && set_stack_size(&attributes, USUAL) == 0)
        pthread_setattr_default_np(&attributes);
    pthread_attr_destroy(&attributes);
}

/* OFConditionConst and OFCondition of DCMTK (ofstd/ofcond.h), as 3.6 and 3.7 lay them out. */
struct constant_condition {
    unsigned short module, code;
    int status;
    const char *text;
};
struct condition {
    struct constant_condition constant;
    bool owns_text;
};

/* OFCondition DcmSequenceOfItems::read(DcmInputStream &, E_TransferSyntax, E_GrpLenEncoding, Uint32). Where DCMTK has no
 * function of exactly this signature, nobody calls the one below. */
#define READ_SEQUENCE _ZN18DcmSequenceOfItems4readER14DcmInputStream16E_TransferSyntax16E_GrpLenEncodingj
#define NAME_OF(symbol) #symbol
#define NAME(symbol) NAME_OF(symbol)
typedef struct condition read_sequence(void *self, void *stream, int transfer_syntax, int group_lengths, unsigned most);

static __thread int depth;
static void leave(const int *entered) { depth -= *entered; }

struct condition READ_SEQUENCE(void *self, void *stream, int transfer_syntax, int group_lengths, unsigned most) {
    static read_sequence *next;
    if (next == NULL)
        next = (read_sequence *)dlsym(RTLD_NEXT, NAME(READ_SEQUENCE));
    if (depth >= MOST_NESTED) {
        struct condition refused = {.owns_text = false};
        memcpy(&refused.constant, dlsym(RTLD_DEFAULT, "EC_CorruptedData"), sizeof refused.constant);
        return refused;
    }
    __attribute__((cleanup(leave))) const int entered = 1; /* also when an exception passes: built with -fexceptions */
    depth += entered;
    return next(self, stream, transfer_syntax, group_lengths, most);
}
