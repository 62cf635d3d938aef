/* The heap of the static binary, for a process that stays and must forget. */
#pragma once

#include <stdint.h>

/* Clears what lies below the address TO; nothing may use the heap afterwards. NULL in builds with another heap. */
void heap_wipe(uintptr_t to) __attribute__((weak));
