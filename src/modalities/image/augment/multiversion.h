// FEWLABEL_MULTIVERSION before a function builds it for several x86-64 levels and picks one at load time. Sanitizers
// cannot run code before they are set up, so they get the plain version.
#pragma once

#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && !defined(__SANITIZE_THREAD__) && \
    !defined(__SANITIZE_ADDRESS__)
#define FEWLABEL_MULTIVERSION __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define FEWLABEL_MULTIVERSION
#endif
