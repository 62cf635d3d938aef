/*
 * A mutator for configs. Most of what libFuzzer makes of a text in YAML is refused, so that what is asserted of accepted
 * ones is seldom reached: every other input is one that was accepted, with a single change that keeps its lines whole.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

/*
 * This input was accepted. Of those that the corpus has, some hundreds at random are kept to be changed; of what is made
 * of them libFuzzer keeps what is new.
 */
void mutate_keep(const uint8_t *bytes, size_t length);
