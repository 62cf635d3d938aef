"""Mutants that no observer can tell from the real one, and why. For mutate.py."""

# Two proofs in another order. Each compares something of its own with what is wanted and changes nothing (no_way_back()
# asks for what must be refused), so either order ends the process exactly if one of the two finds a difference. Which
# message comes first is seen only if both do, and one lie makes one difference.
ORDER = "one lie makes one difference, and each of the two finds its own"

REASONS = {
    ORDER: """
        ids swap: equal("the effective user id", effective, want->uid); equal("the saved user id", saved, want->uid);
        ids swap: equal("the effective group id", effective, want->gid); equal("the saved group id", saved, want->gid);
        capabilities swap: equal("the effective set", data[0].effective | (uint64_t)data[1].effective << 32, want->keep); equal("the inheritable set", data[0].inheritable | (uint64_t)data[1].inheritable << 32, want->keep);
        capabilities swap: equal("the inheritable set", data[0].inheritable | (uint64_t)data[1].inheritable << 32, want->keep); prctl_set("the bounding set", PR_CAPBSET_READ, 0, want->bounding);
        capabilities swap: prctl_set("the bounding set", PR_CAPBSET_READ, 0, want->bounding); prctl_set("the ambient set", PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, want->keep);
        flags swap: equal("KEEP_CAPS", (uint64_t)syscall(SYS_prctl, PR_GET_KEEPCAPS, 0UL, 0UL, 0UL, 0UL), 0); equal("no_new_privs", (uint64_t)syscall(SYS_prctl, PR_GET_NO_NEW_PRIVS, 0UL, 0UL, 0UL, 0UL), 1);
        flags swap: equal("no_new_privs", (uint64_t)syscall(SYS_prctl, PR_GET_NO_NEW_PRIVS, 0UL, 0UL, 0UL, 0UL), 1); equal("the dumpable flag", (uint64_t)syscall(SYS_prctl, PR_GET_DUMPABLE, 0UL, 0UL, 0UL, 0UL), 0);
        verify_privileges swap: ids(want); groups(want);
        verify_privileges swap: groups(want); capabilities(want);
        verify_privileges swap: flags(want); leftovers(want);
        verify_privileges swap: leftovers(want); no_way_back(want);
    """,
    "the list is as long as the wanted one, which holds no id twice (drop.h): if each of N different ids is found in a "
    "list of N, the list is those, also if none is taken away": """
        groups remove: now[at] = now[--left];
    """,
    "the three ids are one at the start: execve(2) sets the saved id to the effective one, and a start whose real and "
    "effective ids differ is refused as set-id (args.c); getresuid(2) and getresgid(2), if they lie, fill in none": """
        same_uid part 1: want->uid == start->uid OF return want->uid == start->uid && want->uid == start->euid && want->uid == start->suid;
        same_uid part 1: want->uid == start->euid OF return want->uid == start->uid && want->uid == start->euid && want->uid == start->suid;
        same_uid part 1: want->uid == start->suid OF return want->uid == start->uid && want->uid == start->euid && want->uid == start->suid;
        same_gid part 1: want->gid == start->gid OF return want->gid == start->gid && want->gid == start->egid && want->gid == start->sgid;
        same_gid part 1: want->gid == start->egid OF return want->gid == start->gid && want->gid == start->egid && want->gid == start->sgid;
        same_gid part 1: want->gid == start->sgid OF return want->gid == start->gid && want->gid == start->egid && want->gid == start->sgid;
    """,
    "memcmp(3) of no bytes is 0; what is left out keeps a null pointer from it, C11 7.1.4": """
        same_groups part 0: want->ngroups == 0 OF return want->ngroups == start->ngroups && (want->ngroups == 0 || memcmp(want->groups, start->groups, want->ngroups * sizeof(*want->groups)) == 0);
    """,
    "two members that are read after both": """
        drop_plan swap: want->bounding = want->keep; want->lock = setpcap || (start->securebits & 0xff) == DROP_SECUREBITS;
        set_capabilities swap: data[word].effective = data[word].permitted; data[word].inheritable = (uint32_t)(inheritable >> (32 * word));
    """,
    "capset(2) takes out of the ambient set what leaves the permitted or the inheritable one, capabilities(7): after it "
    "there is nothing in it but what is kept, and that is wanted there": """
        drop_privileges remove: clear_ambient();
        drop_privileges swap: clear_ambient(); drop_bounding(want, start);
    """,
    "one needs SETPCAP and the other SETGID, both are effective until setresuid(2), and neither takes the other away": """
        drop_privileges swap: drop_bounding(want, start); switch_groups(want, start);
    """,
    "none of the two needs a capability or changes what the other reads: the flags of prctl(2) are each their own, and "
    "dumpable is set anew only by a change of ids or a larger permitted set, proc(5)": """
        drop_privileges swap: set_capabilities(want->keep, want->keep); clear_keepcaps();
        drop_privileges swap: clear_keepcaps(); forbid_new_privileges();
        drop_privileges swap: forbid_new_privileges(); clean_leftovers();
    """,
    "execve(2) always clears KEEP_CAPS, locked or not, capabilities(7): no start has that bit": """
        securebits_forbid part 1: bits & SECBIT_KEEP_CAPS_LOCKED OF if (bits & SECBIT_KEEP_CAPS_LOCKED && bits & SECBIT_KEEP_CAPS)
        securebits_forbid remove: return "the securebit KEEP_CAPS was locked on before the start: start capshim without the lock";
    """,
    "a start without root keeps its ids, for the workload and for every step (plan_user.c): nothing else is wanted": """
        drop_plan part 0: start->euid != want->uid OF if (start->euid == 0 || start->euid != want->uid)
    """,
    "the memory goes with execve(2), in microseconds": """
        groups remove: free(now);
    """,
    "without memory the next line writes to NULL and the process dies of SIGSEGV: no run either, with a worse message; "
    "which needs a mmap(2) that fails at that very place, behind a config of 256 KB": """
        groups remove: unreadable("the supplementary groups");
    """,
}

EQUIVALENT = {" ".join(line.split()): reason for reason, lines in REASONS.items() for line in lines.splitlines()
              if line.strip()}
