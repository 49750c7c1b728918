/* Every flush takes KELLY_FLUSH_MS longer: cc -shared -fPIC -o slow_flush.so slow_flush.c -ldl,
   then LD_PRELOAD=slow_flush.so. It stands for a disk that is slower than this one. */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>
#include <time.h>

static int slowly(const char *name, int descriptor)
{
    int (*flush)(int) = (int (*)(int))dlsym(RTLD_NEXT, name);
    const char *text = getenv("KELLY_FLUSH_MS");
    long wanted = text ? atol(text) : 0;
    struct timespec left = {wanted / 1000, (wanted % 1000) * 1000000L};
    int result = flush(descriptor), kept = errno;

    while (nanosleep(&left, &left) == -1 && errno == EINTR) {
    }
    errno = kept;
    return result;
}

int fsync(int descriptor)
{
    return slowly("fsync", descriptor);
}

int fdatasync(int descriptor)
{
    return slowly("fdatasync", descriptor);
}
