// What makes Debian's libhwloc.a fit into any program and module.
#include <cerrno>
#include <cstdio>

extern "C" {
// Its code reaches variables as only a program can. In the copy that is linked, those of glibc have these names.
FILE* furrow_stderr = stderr;
FILE* furrow_stdout = stdout;
char* furrow_program_invocation_name = program_invocation_name;

// It asks udev for the names of disks, which Furrow does not use. There is no static libudev; without a context of udev,
// hwloc does without.
void* udev_new() { return nullptr; }
void* udev_unref(void*) { return nullptr; }
void* udev_device_new_from_subsystem_sysname(void*, const char*, const char*) { return nullptr; }
void* udev_device_unref(void*) { return nullptr; }
const char* udev_device_get_property_value(void*, const char*) { return nullptr; }
}
