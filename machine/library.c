#include "machine/library.h"

#include <dlfcn.h>
#include <pthread.h>
#include <string.h>

static bool find_functions(const Library *library, void *handle, Error *err)
{
    for (size_t n = 0; n < library->count; n++) {
        void *function = dlsym(handle, library->names[n]);
        if (!function)
            return error_set(err, "%s of this host is too old: it has no %s; upgrade the package %s",
                             library->soname, library->names[n], library->package);
        memcpy((char *)library->functions + n * sizeof function, &function, sizeof function);
    }
    return true;
}

static bool load(const Library *library, Error *err)
{
    void *handle = dlopen(library->soname, RTLD_NOW | RTLD_LOCAL);
    if (!handle) /* the loader's text begins with the file that is missing, which may be one that this one
                    needs */
        return error_set(err, "%s; install the package %s", dlerror(), library->package);
    if (find_functions(library, handle, err))
        return true;
    dlclose(handle);
    return false;
}

bool library_load(Library *library, Error *err)
{
    static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
    pthread_mutex_lock(&mutex);
    library->loaded = library->loaded || load(library, err);
    bool loaded = library->loaded;
    pthread_mutex_unlock(&mutex);
    return loaded;
}
