/*
 * --log: what a filter has refused, by name, from the kernel's log.
 */
#pragma once

/*
 * Reads lines of the kernel's log (dmesg, journalctl -k, audit.log) from standard input and prints, for each system call
 * that they say was refused, how often, by which programs, and at the end what to add to the config. The exit status.
 */
[[nodiscard]] int log_names(void);
