"""Mutants that no observer can tell from the real one, and why. For mutate.py."""

# Reason -> how the mutants begin: function, kind, text. A removed statement that is written to its end is that one alone.
REASONS = {
    # Each compares something of its own with what is wanted and changes nothing (prove_no_way_back() asks for what must be
    # refused), so either order ends the process exactly if one of the two finds a difference. Which message comes first
    # shows only where both do.
    "two proofs: one lie makes one difference, and each of the two finds its own": """
        prove_ids swap: must_equal("the effective group id"
        prove_capabilities swap: must_equal("the effective set"
        prove_capabilities swap: must_equal("the inheritable set"
        prove_capabilities swap: prove_bounding(want)
        prove_flags swap: must_equal("KEEP_CAPS"
        prove_flags swap: must_equal("no_new_privs"
        prove_personality swap: must_equal("the flags of the personality"
        verify_privileges swap: prove_ids(want);
        verify_privileges swap: prove_groups(want);
        verify_privileges swap: prove_capabilities(want);
        verify_privileges swap: prove_flags(want);
        verify_privileges swap: prove_no_leftovers(want);
    """,
    "the list is as long as the wanted one, which holds no id twice (privileges.h): if each of N different ids is found in a "
    "list of N, the list is those, also if none is taken away": """
        prove_groups remove: now[at] = now[--left];
    """,
    "the memory goes with execve(2), in microseconds": """
        prove_groups remove: free(room == 1 ? NULL : now);
    """,
    "the three ids are one at the start: execve(2) sets the saved id to the effective one, and a start whose real and "
    "effective ids differ is refused as set-id (args.c); getresuid(2) and getresgid(2), if they lie, fill in none": """
        same_uid part 1: want->uid == start->uid OF
        same_uid part 1: want->uid == start->euid OF
        same_uid part 1: want->uid == start->suid OF
        same_gid part 1: want->gid == start->gid OF
        same_gid part 1: want->gid == start->egid OF
        same_gid part 1: want->gid == start->sgid OF
    """,
    "whoever acted as another file system user has gone back: setup_run(), run_program() and the lookup of the program do. This "
    "line makes it certain for whoever is added, and clearing the ambient set asks for no identity": """
        drop_privileges remove: identity_end();
        drop_privileges swap: identity_end();
    """,
    "memcmp(3) of no bytes is 0; what is left out keeps a null pointer from it, C11 7.1.4": """
        same_groups part 0: want->ngroups == 0 OF
    """,
    "two members that are read after both": """
        drop_plan swap: want->bounding = start_bounding(start, want->keep);
        set_capabilities swap: data[word].effective = data[word].permitted;
    """,
    "capset(2) takes out of the ambient set what leaves the permitted or the inheritable one, capabilities(7): after it "
    "there is nothing in it but what is kept, and that is wanted there": """
        drop_privileges remove: clear_ambient();
        drop_privileges swap: clear_ambient();
    """,
    "one needs SETPCAP and the other SETGID, both are effective until setresuid(2), and neither takes the other away": """
        drop_privileges swap: drop_bounding(want, start);
    """,
    "none of the two needs a capability or changes what the other reads: the flags of prctl(2) are each their own, and "
    "dumpable is set anew only by a change of ids or a larger permitted set, proc(5)": """
        drop_privileges swap: set_capabilities(want->keep, want->keep);
        drop_privileges swap: clear_keepcaps();
        drop_privileges swap: forbid_new_privileges();
    """,
}

EQUIVALENT = {line.strip(): reason for reason, lines in REASONS.items() for line in lines.splitlines() if line.strip()}
