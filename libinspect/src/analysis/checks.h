// SPDX-License-Identifier: MIT
/**
 * @file
 * What every sound heap holds, looked at over the whole of it: each breach is a finding.
 *
 * Reading the heap finds damage where it meets it (lists that break, pools that cannot be). These checks ask
 * for more than reading needs.
 */
#ifndef INSP_ANALYSIS_CHECKS_H
#define INSP_ANALYSIS_CHECKS_H

#include "../heap/heap.h"

/**
 * Look at the objects' counts, the collector's back links, and where the debug hooks of CPython's allocators
 * are on (Objects/obmalloc.c, PYTHONMALLOC=debug) the guard bytes around every block and the fill of free
 * ones. The heap's references are known by then. Fails with INSP_ERR_CANCELLED.
 */
insp_status insp_checks_run(insp_heap *h, insp_findings_log *log, insp_error *err);

#endif
