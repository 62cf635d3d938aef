/* capshim's table of system calls beside libseccomp's own. */
#pragma once

/*
 * Is each of NAMES in the table, and has each call there the number that libseccomp gives it, on every ABI? Prints what is
 * not, or how many there are; returns the exit status.
 */
int table_compare(char **names);
