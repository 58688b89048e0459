// SPDX-License-Identifier: MIT
/**
 * @file
 * libinspect: CPython's heap, read from a core dump or a stopped process, from outside.
 *
 * Nothing is run in the target and nothing is written to it.
 *
 * The order of this file is the order in which data flows: open a session, run the stages it
 * needs, ask questions. A session is used by one thread at a time.
 *
 * - *Status.* A function that can fail returns an insp_status, 0 for success, and fills in the
 *   caller's insp_error, which may be NULL. A function that returns no status cannot fail.
 * - *Findings.* An odd heap is not an error: what is wrong in the target is a finding
 *   (insp_findings), and the work goes on.
 * - *Ownership.* An answer that comes through a pointer-to-pointer is the caller's, until
 *   insp_answer_free; everything it points to lives as long as it does. What is returned as a
 *   const pointer belongs to the session.
 * - *Addresses* are the target's; ranges are half-open. Sizes are bytes. Text is UTF-8 with every
 *   control character of the target escaped.
 * - *Numbers.* Objects are known by their address; inside a session also by a dense 32-bit
 *   number, which is not stable from one session to the next. Roots (things that own references
 *   and are no objects) have numbers too, from insp_summary.first_root on.
 */
#ifndef LIBINSPECT_H
#define LIBINSPECT_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Marks what libinspect.so exports; everything else is hidden. */
#define INSP_API __attribute__((visibility("default")))

/** An address in the target. */
typedef uint64_t insp_addr;

/** "No number": no object, no type, no interpreter. */
#define INSP_NONE 4294967295u

/* ---- status ------------------------------------------------------------------------------- */

typedef enum insp_status {
    INSP_OK = 0,
    INSP_ERR_MEMORY = 1,       /**< this machine is out of memory */
    INSP_ERR_IO = 2,           /**< a file or a process cannot be read; message says why */
    INSP_ERR_NOT_CORE = 3,     /**< the file is not a core dump */
    INSP_ERR_NO_PYTHON = 4,    /**< no CPython in the target */
    INSP_ERR_UNSUPPORTED = 5,  /**< a CPython this library cannot read */
    INSP_ERR_FAULT = 6,        /**< err->addr is not readable in the target */
    INSP_ERR_NO_OBJECT = 7,    /**< there is no object at err->addr */
    INSP_ERR_REFUSED = 8,      /**< the proof of a layout that this needs has failed */
    INSP_ERR_CANCELLED = 9,    /**< insp_job_cancel */
    INSP_ERR_ARGUMENT = 10,    /**< the caller asked something that makes no sense */
    INSP_ERR_MISMATCH = 11,    /**< a file is of another build than the target */
    INSP_ERR_CHANGED = 12,     /**< the core file changed while it was read */
    INSP_ERR_DENIED = 13,      /**< not allowed to read the process */
    INSP_ERR_GONE = 14,        /**< there is no such process */
    INSP_ERR_NEEDS_MEMORY = 15 /**< a caller's target: run a job, to bring it, and ask again */
} insp_status;

/** What went wrong. By value: nothing to free. */
typedef struct insp_error {
    insp_status code;
    uint32_t reserved;
    insp_addr addr;    /**< where in the target, or 0 */
    char message[496]; /**< one sentence without a full stop, for a person */
} insp_error;

/**
 * A hash of the declarations of this header, as the tool that generates bindings computes it: a
 * binding made from another header compares it and stops.
 */
INSP_API uint32_t insp_abi(void);

/** The version of this library, "1.2.3". */
INSP_API const char *insp_version(void);

/** Free an answer. NULL is fine. */
INSP_API void insp_answer_free(const void *answer);

/* ---- session ------------------------------------------------------------------------------ */

typedef struct insp_session insp_session;

/** How far a compressed core is unpacked. Another thread may read it, and set `stop`. */
typedef struct insp_unpacking {
    uint64_t done;  /**< bytes of the compressed file */
    uint64_t total; /**< 0: nothing is unpacked */
    uint32_t stop;  /**< not 0: give up */
    uint32_t reserved;
} insp_unpacking;

/** How to open a target. Zeroed is the default. */
typedef struct insp_options {
    const char *exe;     /**< the executable, instead of the one the target names; or NULL */
    const char *sysroot; /**< a folder before every path the target names; or NULL */
    uint32_t flags;      /**< 0 */
    uint32_t reserved;
} insp_options;

/**
 * Open a core dump. The file is mapped, not read; files of the target's modules are mapped for
 * the parts the core leaves out, if their build-id is the same. One that is compressed with zstd, lz4, xz,
 * gzip or bzip2 is unpacked into a file without a name in $TMPDIR, else /var/tmp.
 *
 * Fails with INSP_ERR_IO, INSP_ERR_NOT_CORE, INSP_ERR_MISMATCH (options->exe is another build),
 * INSP_ERR_CANCELLED (`unpacking`, which may be NULL, says so).
 * A core that is cut short opens, packed or not; insp_problems says so.
 */
INSP_API insp_status insp_open_core(const char *path, const insp_options *options,
                                    insp_unpacking *unpacking, insp_session **out,
                                    insp_error *err);

/**
 * Stop a process (PTRACE_SEIZE and PTRACE_INTERRUPT on every thread), copy its memory, let it go
 * on. A process that was stopped already stays stopped. The pause is in insp_target.pause_ns.
 *
 * Fails with INSP_ERR_DENIED (the message names the setting that forbids it), INSP_ERR_GONE,
 * INSP_ERR_IO.
 */
INSP_API insp_status insp_open_process(int64_t pid, const insp_options *options,
                                       insp_session **out, insp_error *err);

/** A range of a target whose bytes the caller will bring; see insp_open_caller. */
typedef struct insp_mapping {
    insp_addr start, end;
    uint64_t offset;  /**< in the file at `path` */
    const char *path; /**< absolute, "" for anonymous memory */
    uint32_t flags;   /**< bit 0 readable, bit 1 writable, bit 2 executable */
    uint32_t reserved;
} insp_mapping;

/** A thread of such a target. */
typedef struct insp_caller_thread {
    int64_t tid;
    uint64_t registers[27]; /**< struct user_regs_struct of x86-64 */
} insp_caller_thread;

/**
 * Open a target whose memory only the caller can read (gdb: remote targets, processes it holds).
 * Jobs report INSP_JOB_NEEDS_MEMORY and are fed by insp_job_supply. A question that takes memory
 * which no stage has read fails with INSP_ERR_NEEDS_MEMORY: a job of any stage brings that too, and
 * then the question is asked again (perhaps more than once). `pid` is 0 if it has none
 * here, else its memory is read directly (the caller has stopped it and holds it).
 */
INSP_API insp_status insp_open_caller(int64_t pid, const insp_mapping *mappings,
                                      size_t n_mappings, const insp_caller_thread *threads,
                                      size_t n_threads, const insp_options *options,
                                      insp_session **out, insp_error *err);

/**
 * Describe slots of types that the library does not know; before the first job. The text is that of a
 * description file (libinspect/src/object/described.h says what is in one), `file` what messages
 * call it. What is described later goes before what was described earlier.
 *
 * Fails with INSP_ERR_ARGUMENT, whose message names the line.
 */
INSP_API insp_status insp_describe_types(insp_session *session, const char *file,
                                         const char *text, insp_error *err);

/** Close a session; a job that runs is cancelled and waited for. NULL is fine. */
INSP_API void insp_close(insp_session *session);

/** Where the target came from. */
typedef struct insp_target {
    const char *source; /**< "core", "process" or "caller" */
    const char *path;   /**< of the core, or "" */
    int64_t pid;        /**< 0 where unknown */
    const char *exe;    /**< path of the executable in the target, or "" */
    uint64_t file_size; /**< of the core: what is there */
    uint64_t full_size; /**< of the core: what its headers promise */
    uint64_t pause_ns;  /**< how long the process was stopped */
    uint32_t signal;    /**< that killed or stopped it, or 0 */
    uint32_t reserved;
} insp_target;

INSP_API const insp_target *insp_session_target(const insp_session *session);

/**
 * What keeps answers from being whole: a file that is not here, a cut core, a proof that failed.
 * One sentence each, for a person. Grows as stages run.
 */
typedef struct insp_problem {
    const char
        *kind; /**< "missing-file", "other-build", "truncated", "refused", "unreadable" */
    const char *text;
} insp_problem;

typedef struct insp_problems {
    const insp_problem *rows;
    size_t len;
} insp_problems;

INSP_API insp_status insp_session_problems(const insp_session *session,
                                           const insp_problems **out, insp_error *err);

/** A module mapped in the target: an executable, a library, an extension. */
typedef struct insp_module {
    insp_addr start, end; /**< of its lowest and highest mapping */
    const char *path;
    const char *build_id; /**< hex, or "" */
    const char *file;     /**< the file on this machine that was found to be the same, or "" */
} insp_module;

typedef struct insp_modules {
    const insp_module *rows;
    size_t len;
} insp_modules;

INSP_API insp_status insp_session_modules(const insp_session *session, const insp_modules **out,
                                          insp_error *err);

/* ---- stages and jobs ---------------------------------------------------------------------- */

/** What a session can derive; each needs those before it. */
typedef enum insp_stage {
    INSP_STAGE_RUNTIME = 1,    /**< interpreters, layout and its proofs, threads, gc state */
    INSP_STAGE_OBJECTS = 2,    /**< every object, numbered; types; arenas */
    INSP_STAGE_REFERENCES = 3, /**< who refers to what; refcount remainders */
    INSP_STAGE_REVERSE = 4,    /**< by whom is it referred to */
    INSP_STAGE_NATIVE = 5,     /**< words of C memory that may hold an unexplained reference */
    INSP_STAGE_RETAINED = 6    /**< what would go with each object */
} insp_stage;

typedef enum insp_job_state {
    INSP_JOB_DONE = 0,
    INSP_JOB_RUNNING = 1,
    INSP_JOB_NEEDS_MEMORY = 2 /**< see insp_job_wanted */
} insp_job_state;

typedef struct insp_progress {
    insp_stage stage;
    uint32_t reserved;
    uint64_t done, total; /**< of this stage, in units of its own; total 0 if not known */
    uint64_t objects;     /**< found so far */
} insp_progress;

typedef struct insp_job insp_job;

/**
 * Derive everything up to `stage`, on threads of the library's own, with asynchronous signals
 * blocked in them. What is there already costs nothing. One job a session at a time.
 */
INSP_API insp_status insp_job_start(insp_session *session, insp_stage stage, insp_job **out,
                                    insp_error *err);

/** Wait for at most `ms` milliseconds. `progress` may be NULL. */
INSP_API insp_job_state insp_job_wait(insp_job *job, uint32_t ms, insp_progress *progress);

/** Ranges, joined and sorted, that a job in INSP_JOB_NEEDS_MEMORY waits for. */
typedef struct insp_range {
    insp_addr start, end;
} insp_range;

/** Fill in at most `cap` ranges; returns how many there are. */
INSP_API size_t insp_job_wanted(insp_job *job, insp_range *ranges, size_t cap);

/** Bring the bytes of a range that was wanted; `bytes` NULL says that it cannot be read. */
INSP_API insp_status insp_job_supply(insp_job *job, insp_range range, const void *bytes,
                                     insp_error *err);

/** Ask a job to stop. It ends soon after, with INSP_ERR_CANCELLED. */
INSP_API void insp_job_cancel(insp_job *job);

/** Wait for the end, free the job, and say how it went. */
INSP_API insp_status insp_job_finish(insp_job *job, insp_error *err);

/**
 * The same in one call, for callers that need neither progress nor a way out. Fails with
 * INSP_ERR_NEEDS_MEMORY where the caller has to bring some.
 */
INSP_API insp_status insp_need(insp_session *session, insp_stage stage, insp_error *err);

/* ---- the interpreter (INSP_STAGE_RUNTIME) ------------------------------------------------- */

typedef struct insp_python {
    const char *version; /**< "3.11.2" */
    uint32_t hex;        /**< PY_VERSION_HEX */
    uint32_t debug;      /**< 1 for a Py_DEBUG build */
    uint32_t free_threaded;
    uint32_t gc_running;  /**< 1 where the target stopped inside a collection */
    insp_addr runtime;    /**< _PyRuntime */
    const char *found_by; /**< "from .dynsym of /usr/bin/python3.11" */
    const char *machine;  /**< "x86-64" */
    const char
        *allocator; /**< "pymalloc", "malloc", "mimalloc", "pymalloc with debug hooks" … */
    const char *module;   /**< path of the executable or libpython that is CPython */
    const char *build_id; /**< its build-id, or "" */
    uint32_t tracemalloc; /**< 1 where it traces: see insp_allocation_of */
    uint64_t
        arena_bytes; /**< of pymalloc's arenas, 0 without it: how large the heap is, about */
} insp_python;

INSP_API insp_status insp_python_info(insp_session *session, const insp_python **out,
                                      insp_error *err);

/** One structure of CPython: where its layout came from, and whether it is true here. */
typedef enum insp_proof_result {
    INSP_PROOF_OK = 0,
    INSP_PROOF_FAILED = 1,
    INSP_PROOF_REPAIRED = 2,
    INSP_PROOF_UNKNOWN = 3 /**< nothing in the target to prove it by */
} insp_proof_result;

typedef struct insp_proof {
    const char *structure; /**< "PyTypeObject" */
    const char *source;    /**< "table 3.11", "debug offsets", "DWARF" */
    const char *text;      /**< what was compared, with the numbers */
    const char *needed_by; /**< verbs that refuse if it failed, "arenas, what" */
    insp_proof_result result;
    uint32_t reserved;
} insp_proof;

typedef struct insp_proofs {
    const insp_proof *rows;
    size_t len;
} insp_proofs;

/** Some structures are proved by objects: needs INSP_STAGE_OBJECTS. */
INSP_API insp_status insp_layout_proofs(insp_session *session, const insp_proofs **out,
                                        insp_error *err);

/** A field the library reads by. */
typedef struct insp_field_row {
    const char *structure; /**< CPython's own spelling */
    const char *field;
    const char *source;
    int32_t offset; /**< bytes; -1 where this build has no such field */
    uint32_t reserved;
} insp_field_row;

typedef struct insp_field_rows {
    const insp_field_row *rows;
    size_t len;
} insp_field_rows;

INSP_API insp_status insp_layout_fields(insp_session *session, const insp_field_rows **out,
                                        insp_error *err);

typedef struct insp_generation {
    const char *name;  /**< "gen0" … "gen2", "young", "old", "frozen", "tracked" */
    uint64_t objects;  /**< length of its list */
    int64_t threshold; /**< -1 where there is none, as for the next three */
    int64_t count;
    int64_t collections, collected, uncollectable;
} insp_generation;

typedef struct insp_interpreter {
    insp_addr addr;
    int64_t id;
    int64_t threads;
    int32_t gc_enabled;
    int32_t gc_collecting;
    uint64_t garbage; /**< length of gc.garbage */
    int64_t long_lived_total, long_lived_pending;
    const insp_generation *generations;
    size_t n_generations; /**< the frozen one, if any, is last */
} insp_interpreter;

typedef struct insp_interpreters {
    const insp_interpreter *rows;
    size_t len;
} insp_interpreters;

/** Fails with INSP_ERR_REFUSED where the state of the collector is not read right. */
INSP_API insp_status insp_interpreter_list(insp_session *session, const insp_interpreters **out,
                                           insp_error *err);

/** A name and its value in a frame, or a slot of its value stack. */
typedef struct insp_local {
    const char *name; /**< "x", or "" for a slot of the value stack */
    insp_addr value;  /**< 0 where it is unbound */
    const char *kind; /**< "local", "cell", "free", "stack" */
} insp_local;

/** A Python frame. */
typedef struct insp_frame {
    insp_addr addr;         /**< of the _PyInterpreterFrame, or PyFrameObject up to 3.10 */
    insp_addr code;         /**< the code object */
    insp_addr globals;      /**< dict */
    insp_addr builtins;     /**< dict */
    insp_addr locals_dict;  /**< f_locals, 0 for a function */
    insp_addr frame_object; /**< 0 where none was made */
    insp_addr owner;        /**< generator or frame object that owns it, or 0: the thread */
    const char *function;   /**< co_qualname, before 3.11 co_name */
    const char *file;
    int64_t line; /**< 0 where it cannot be told */
    const insp_local *locals;
    size_t n_locals;
} insp_frame;

typedef struct insp_thread {
    insp_addr addr;           /**< PyThreadState */
    uint64_t ident;           /**< threading.get_ident() */
    int64_t tid;              /**< the kernel's, or 0 */
    uint32_t interp;          /**< row of insp_interpreters */
    int32_t holds_gil;        /**< 1, 0, or -1 where it cannot be told */
    insp_addr exception;      /**< in flight (raised, not yet handled), or 0 */
    insp_addr handled;        /**< being handled by an except block, or 0 */
    const insp_frame *frames; /**< innermost first */
    size_t n_frames;
} insp_thread;

typedef struct insp_threads {
    const insp_thread *rows;
    size_t len;
} insp_threads;

INSP_API insp_status insp_thread_list(insp_session *session, const insp_threads **out,
                                      insp_error *err);

/** What the instruction wanted of memory. */
typedef enum insp_access {
    INSP_ACCESS_UNKNOWN = 0,
    INSP_ACCESS_READ = 1,
    INSP_ACCESS_WRITE = 2,
    INSP_ACCESS_EXECUTE = 3
} insp_access;

/** A general register of the thread that died. */
typedef struct insp_register {
    const char *name; /**< "rdi" */
    uint64_t value;
} insp_register;

/**
 * A word of memory on the way to the pointer that an instruction died with: `value` lies at
 * holder + offset, and is the holder of the row that follows, or else the pointer.
 */
typedef struct insp_hop {
    insp_addr holder;
    int64_t offset;
    uint64_t value;
} insp_hop;

/** A place in code. */
typedef struct insp_code_place {
    insp_addr pc;
    insp_addr stack;    /**< where it is kept as a return address; 0 for the innermost */
    const char *module; /**< path, or "" */
    uint64_t module_offset;
    const char *symbol; /**< that covers it, or "" */
    uint64_t symbol_offset;
} insp_code_place;

/** How a thread died. What does not apply is 0 or "". */
typedef struct insp_fault {
    uint32_t signal; /**< 0 where none is known of */
    int32_t code;    /**< si_code */
    int64_t thread;
    insp_access access;
    int32_t has_addr;        /**< `addr` is known, be it 0 */
    insp_addr addr;          /**< that could not be had */
    insp_addr kernel_addr;   /**< si_addr */
    int32_t has_kernel_addr; /**< the kernel said it */
    int32_t has_pointer;
    const char *mnemonic;      /**< "mov" */
    const char *base_register; /**< that the address was made of; "" */
    insp_addr pointer;         /**< its value: the pointer at fault */
    const char *index_register;
    uint64_t index;
    int64_t displacement;
    int32_t on_stack; /**< by the stack pointer, or near it */
    int32_t overflow; /**< of the stack: right below it, where nothing is mapped */
    insp_addr sp;
    insp_addr stack_start, stack_end; /**< of the mapping that the stack lies in */
    const insp_hop *hops; /**< where the pointer was loaded from, as the code before says */
    size_t n_hops;
    const insp_register *registers;
    size_t n_registers;
    const insp_code_place
        *places; /**< innermost first; all but that are what the stack may mean */
    size_t n_places;
    const char *abort_message; /**< that the C library left when it gave up, or "" */
    const char *fatal_error;   /**< of CPython, a pointer to which lies on the stack, or "" */
} insp_fault;

/** The thread that died, or else one that cannot go on. Needs INSP_STAGE_RUNTIME. */
INSP_API insp_status insp_fault_info(insp_session *session, const insp_fault **out,
                                     insp_error *err);

/* ---- objects (INSP_STAGE_OBJECTS, but the first three need INSP_STAGE_RUNTIME only) -------- */

/**
 * The short value of the object at addr, as repr would begin: `'abc'`, `[1, 2, ...]`,
 * `<Order object>`. At most `size` bytes with the NUL; *cut (may be NULL) is set where text is left
 * out. Fails with INSP_ERR_NO_OBJECT.
 */
INSP_API insp_status insp_value_text(insp_session *session, insp_addr addr, char *buf,
                                     size_t size, int32_t *cut, insp_error *err);

/** The value of a str key in a dict, *out 0 where it is not there. Fails if addr is no dict. */
INSP_API insp_status insp_dict_get(insp_session *session, insp_addr dict, const char *key,
                                   insp_addr *out, insp_error *err);

/** What the memory at an address belongs to. */
typedef enum insp_place_kind {
    INSP_PLACE_NOWHERE = 0,      /**< no memory that the target has */
    INSP_PLACE_OBJECT = 1,       /**< an object's, with what stands in front of it */
    INSP_PLACE_BODY = 2,         /**< a block that an object owns: items, a table of keys */
    INSP_PLACE_BLOCK = 3,        /**< a used block of pymalloc that no object is known to own */
    INSP_PLACE_FREE_BLOCK = 4,   /**< a block of pymalloc that was freed */
    INSP_PLACE_VIRGIN_BLOCK = 5, /**< a block of pymalloc that was never handed out */
    INSP_PLACE_POOL_HEADER = 6,
    INSP_PLACE_POOL_END = 7,    /**< what is left of a pool behind its last block */
    INSP_PLACE_EMPTY_POOL = 8,  /**< all its blocks were freed */
    INSP_PLACE_VIRGIN_POOL = 9, /**< never used since its arena was mapped */
    INSP_PLACE_ARENA_END = 10,  /**< lost to the alignment of pools */
    INSP_PLACE_MODULE = 11,     /**< an executable, a library or an extension, .bss included */
    INSP_PLACE_STACK = 12,
    INSP_PLACE_MALLOC = 13, /**< a block of malloc that no object is known to own */
    INSP_PLACE_MEMORY = 14  /**< mapped; more is not known */
} insp_place_kind;

/** An address, and all that is certain of it. What does not apply is 0, "" or INSP_NONE. */
typedef struct insp_place {
    insp_place_kind kind;
    int32_t readable; /**< the word at the address can be read */
    int32_t exact;    /**< it is the object's own address */
    int32_t writable; /**< as its mapping says */
    uint64_t word;    /**< at the address */
    insp_addr object; /**< that it lies in, or whose block it is; 0 for none */
    int64_t offset; /**< from the object; where there is none, and in a body, from the block */
    insp_addr block;
    uint64_t block_size;  /**< bytes */
    uint32_t block_index; /**< in its pool */
    uint32_t free_rank;   /**< in the pool's free list: 0 was freed last and goes out next */
    insp_addr pool;
    uint32_t pool_index; /**< in its arena */
    uint32_t pool_blocks, pool_used;
    uint32_t arena;         /**< row of insp_arenas */
    const char *module;     /**< path */
    uint64_t module_offset; /**< as the file's own addresses count */
    const char *section;    /**< ".bss" */
    uint64_t section_offset;
    const char *symbol; /**< that covers the address */
    uint64_t symbol_offset;
    int64_t thread;     /**< whose stack it is, or 0 */
    int64_t from_stack; /**< bytes above that thread's stack pointer */
} insp_place;

/**
 * What lies at an address, which need not be the start of anything. Bodies are told from other
 * blocks only once INSP_STAGE_REFERENCES is reached.
 */
INSP_API insp_status insp_find(insp_session *session, insp_addr addr, const insp_place **out,
                               insp_error *err);

/** How large the heap is. */
typedef struct insp_summary {
    uint64_t objects;
    uint64_t size;     /**< sum of what sys.getsizeof would say, where that is known */
    uint64_t bytes;    /**< sum of the allocator blocks of all objects, each block once */
    uint64_t edges;    /**< INSP_STAGE_REFERENCES; else 0, as for the following */
    uint64_t mortal;   /**< objects whose refcount says something */
    uint64_t balanced; /**< mortal objects with remainder 0 */
    uint64_t surplus, deficit;
    uint64_t explained; /**< mortal with unexplained 0 (INSP_STAGE_NATIVE) */
    uint64_t gc_mortal, gc_balanced, gc_explained; /**< the same for gc objects */
    uint64_t dead;           /**< dead ones on free lists of types: no objects */
    uint64_t pymalloc_bytes; /**< in used blocks */
    uint64_t malloc_bytes;   /**< of objects' blocks outside pymalloc */
    uint32_t numbers;        /**< object numbers are below this; not each is an object */
    uint32_t first_root;     /**< roots are numbered from here */
    uint32_t roots;
    uint32_t types;
} insp_summary;

INSP_API insp_status insp_heap_summary(insp_session *session, const insp_summary **out,
                                       insp_error *err);

typedef struct insp_type_row {
    insp_addr addr;
    const char *name;    /**< without the module */
    const char *module;  /**< "builtins", "__main__", "" where unknown */
    const char *read_by; /**< how references of instances are found: "decoder list",
                              "tp_traverse interpreted", "declared members and a scan", "none" */
    int64_t basicsize, itemsize;
    uint64_t flags; /**< tp_flags */
    uint64_t count; /**< instances */
    uint64_t size;  /**< of all instances, as sys.getsizeof says */
    uint64_t bytes; /**< blocks of all instances */
} insp_type_row;

typedef struct insp_types {
    const insp_type_row *rows; /**< by type id */
    size_t len;
} insp_types;

INSP_API insp_status insp_type_list(insp_session *session, const insp_types **out,
                                    insp_error *err);

/** An object. What needs INSP_STAGE_REFERENCES is 0 before it. */
typedef struct insp_object {
    insp_addr addr;
    insp_addr type_addr;
    uint32_t number;
    uint32_t type;     /**< row of insp_types */
    int64_t refcnt;    /**< logical: sys.getrefcount - 1 */
    uint64_t raw[2];   /**< the words it came from; raw[1] is for free-threaded builds */
    int64_t size;      /**< sys.getsizeof, or the block's size (size_is_block) */
    int64_t bytes;     /**< blocks this object alone owns */
    int64_t remainder; /**< refcnt - owned; 0 for an immortal */
    int64_t located;   /**< INSP_STAGE_NATIVE */
    int64_t unexplained;
    insp_addr block; /**< start of the allocator's block, 0 for a static object */
    uint64_t block_size;
    int32_t immortal;
    int32_t size_is_block;
    int32_t is_gc;     /**< has a gc head */
    int32_t is_static; /**< lies in a module's data */
    const char *gc;    /**< "untracked", "gen0" … "frozen", or NULL: no gc head */
    int64_t interp;    /**< id of the interpreter, -1 for none */
} insp_object;

/** Fails with INSP_ERR_NO_OBJECT; err->message names the object around addr, if there is one. */
INSP_API insp_status insp_object_at(insp_session *session, insp_addr addr, insp_object *out,
                                    insp_error *err);
INSP_API insp_status insp_object_number(insp_session *session, uint32_t number,
                                        insp_object *out, insp_error *err);

/**
 * insp_object_at for whoever wants one object soon, however large the heap is: needs no more than
 * INSP_STAGE_RUNTIME, and then says neither remainder nor generation (gc is "tracked" or "untracked").
 * Keys of a table that dicts share are nobody's then.
 * What it refers to is insp_referents of its number, whose targets become known the same way, and types are
 * those of insp_type_list at that time. Such numbers and ids hold until a later stage is run. Where that
 * stage is reached already, and of a build without pymalloc, it is insp_object_at.
 */
INSP_API insp_status insp_object_look(insp_session *session, insp_addr addr, insp_object *out,
                                      insp_error *err);

/**
 * Columns of many objects at once: the i-th address, type id and size (insp_object.size) are those
 * of numbers[i]. Any array may be NULL. Fails with INSP_ERR_ARGUMENT where a number is no object's.
 */
INSP_API insp_status insp_object_columns(insp_session *session, const uint32_t *numbers,
                                         size_t n, insp_addr *addrs, uint32_t *types,
                                         int64_t *sizes, insp_error *err);

/** A word of an object's memory, from its block's start on. */
typedef struct insp_word {
    int64_t offset; /**< from the object's address; negative for pre-header and gc head */
    uint64_t value;
    const char *field; /**< CPython's name, "ob_refcnt", "_gc_next", ".x" for a slot, or "" */
    const char *note;  /**< what it is, "3 attributes", "list 0x7f…", or "" */
} insp_word;

typedef struct insp_words {
    const insp_word *rows;
    size_t len;
} insp_words;

INSP_API insp_status insp_object_words(insp_session *session, insp_addr addr,
                                       const insp_words **out, insp_error *err);

/** A line of a program. */
typedef struct insp_line {
    const char *file;
    uint32_t line; /**< 0: not known */
} insp_line;

/** Where the block of an object was allocated, as tracemalloc kept it (Modules/_tracemalloc.c). */
typedef struct insp_allocation {
    uint64_t size;         /**< bytes that were asked for; 0: nothing is known of the block */
    const insp_line *rows; /**< the innermost frame first */
    size_t len;
    uint32_t left_out; /**< frames that were not kept */
} insp_allocation;

/**
 * Fails with INSP_ERR_NO_OBJECT. An object that a free list handed out again is where its block was
 * allocated, up to 3.12.
 */
INSP_API insp_status insp_allocation_of(insp_session *session, insp_addr addr,
                                        const insp_allocation **out, insp_error *err);

/** A list of object numbers. */
typedef struct insp_numbers {
    const uint32_t *rows;
    size_t len;
} insp_numbers;

/** Objects in [start, end), by address. */
INSP_API insp_status insp_objects_between(insp_session *session, insp_addr start, insp_addr end,
                                          const insp_numbers **out, insp_error *err);

/* ---- arenas (INSP_STAGE_OBJECTS) ---------------------------------------------------------- */

typedef struct insp_pool {
    insp_addr addr;
    uint32_t block_size; /**< 0: empty or never used */
    uint32_t blocks;     /**< that fit */
    uint32_t used;
    uint32_t state; /**< 0 in use, 1 empty, 2 never used */
} insp_pool;

typedef struct insp_arena_row {
    insp_addr addr; /**< as mapped, perhaps not aligned to a pool */
    uint64_t size;
    uint32_t interp; /**< row of insp_interpreters */
    uint32_t pools;
    uint32_t free_pools; /**< empty and never used */
    uint32_t reserved;
    uint64_t used_blocks, used_bytes;
    const insp_pool *pool;
} insp_arena_row;

typedef struct insp_size_class {
    uint32_t interp;
    uint32_t size;
    uint64_t pools, used, free;
} insp_size_class;

typedef struct insp_arenas {
    const insp_arena_row *rows;
    size_t len;
    const insp_size_class *classes;
    size_t n_classes;
} insp_arenas;

INSP_API insp_status insp_arena_list(insp_session *session, const insp_arenas **out,
                                     insp_error *err);

/* ---- references (INSP_STAGE_REFERENCES; referrers need INSP_STAGE_REVERSE) ----------------- */

typedef enum insp_ref_kind {
    INSP_REF_OWNED = 0,    /**< counted in ob_refcnt */
    INSP_REF_BORROWED = 1, /**< seen, not counted */
    INSP_REF_WEAK = 2,
    INSP_REF_POSSIBLE = 3 /**< a word of C memory that points there */
} insp_ref_kind;

typedef struct insp_edge {
    uint32_t src; /**< object, or root */
    uint32_t dst;
    insp_addr src_addr, dst_addr;
    insp_addr slot;   /**< where the pointer lies, 0 where it has no place of its own */
    const char *name; /**< as a person would write it: `.x`, `['k']`, `[3]`, `local 'a'` */
    insp_ref_kind kind;
    int32_t visited; /**< tp_traverse of src visits it */
} insp_edge;

typedef struct insp_edges {
    const insp_edge *rows;
    size_t len;
} insp_edges;

/** What an object or root refers to, in slot order. */
INSP_API insp_status insp_referents(insp_session *session, uint32_t number,
                                    const insp_edges **out, insp_error *err);

typedef struct insp_items {
    const insp_edge *rows;
    size_t len;
    size_t left_out; /**< slots beyond those that were asked for */
} insp_items;

/**
 * The first `most` references of an object by a name of its own (0: all): without ob_type, and without keys of
 * tables, which the slots of their values name. The others are counted, and take little time each.
 */
INSP_API insp_status insp_items_of(insp_session *session, uint32_t number, size_t most,
                                   const insp_items **out, insp_error *err);

/**
 * The references of some objects to each other, by source in the order asked, then in slot order.
 * Fails with INSP_ERR_ARGUMENT where a number is no object's.
 */
INSP_API insp_status insp_referents_among(insp_session *session, const uint32_t *numbers,
                                          size_t n, const insp_edges **out, insp_error *err);

/**
 * Of a target that died inside a collection: the container that the collector was on. That is the first object on a
 * thread's registers and stack, from the stack pointer up, that the collector tracks and that refers to `pointer`,
 * whatever lies there (dst is INSP_NONE where no object does); its slots that do, or none. Needs
 * INSP_STAGE_REFERENCES.
 */
INSP_API insp_status insp_collector_at(insp_session *session, int64_t thread, insp_addr pointer,
                                       const insp_edges **out, insp_error *err);

/** Where a heap is torn to pieces, so many slots are enough to say so. */
enum { INSP_MOST_DANGLING = 10000 };

/**
 * Slots that point to where no object starts, into [start, end): `dst` is INSP_NONE. After a use
 * after free these are who still has the pointer. Only slots that own what they refer to are given, and at
 * most INSP_MOST_DANGLING of them.
 * Needs INSP_STAGE_REFERENCES.
 */
INSP_API insp_status insp_dangling(insp_session *session, insp_addr start, insp_addr end,
                                   const insp_edges **out, insp_error *err);

/** What refers to an object, by source. */
INSP_API insp_status insp_referrers(insp_session *session, uint32_t number,
                                    const insp_edges **out, insp_error *err);

/** Something that owns references and is no object. */
typedef struct insp_root {
    uint32_t number;
    uint32_t interp; /**< row, or INSP_NONE */
    const char
        *kind; /**< "frame", "interpreter", "thread", "static", "type cache", "module data" */
    const char *name; /**< "sys.modules", "serve()" */
    insp_addr addr;   /**< frame, structure or static data */
    const char *file; /**< frames: else "" */
    int64_t line;
    int64_t thread; /**< tid, or 0 */
} insp_root;

/** Fails with INSP_ERR_ARGUMENT where `number` is no root. */
INSP_API insp_status insp_root_at(insp_session *session, uint32_t number, insp_root *out,
                                  insp_error *err);

/**
 * Whose an object is, in words, judged by who holds it: "globals of __main__", ".bad of Worker
 * 0x7f…", "" where several hold it. Needs INSP_STAGE_REVERSE.
 */
INSP_API insp_status insp_whose(insp_session *session, uint32_t number, char *buf, size_t size,
                                insp_error *err);

/** A word in C memory that points to an object with a remainder. */
typedef struct insp_candidate {
    insp_addr addr;
    uint32_t object;
    uint32_t reserved;
    const char
        *where; /**< "module data", "stack", "register", "malloc block", "module state" */
    const char *module;  /**< path, name of the module whose state it is, or "" */
    const char *section; /**< ".bss", "state", or "" */
    uint64_t offset;     /**< in the section */
    const char *symbol;  /**< or "" */
} insp_candidate;

typedef struct insp_candidates {
    const insp_candidate *rows;
    size_t len;
    uint64_t modules, threads, malloc_blocks; /**< that were searched */
    uint64_t unreadable;                      /**< bytes that should have been */
} insp_candidates;

/** Needs INSP_STAGE_NATIVE. */
INSP_API insp_status insp_candidates_of(insp_session *session, uint32_t number,
                                        const insp_candidates **out, insp_error *err);

/** Mortal objects whose remainder is not 0, deficits first, then by unexplained. */
INSP_API insp_status insp_unbalanced(insp_session *session, const insp_numbers **out,
                                     insp_error *err);

/* ---- analyses (INSP_STAGE_REFERENCES) ----------------------------------------------------- */

typedef enum insp_sort {
    INSP_SORT_ADDRESS = 0,
    INSP_SORT_SIZE = 1, /**< largest first, as all that follow */
    INSP_SORT_BYTES = 2,
    INSP_SORT_REFCNT = 3,
    INSP_SORT_REMAINDER = 4, /**< by how much it is off, either way */
    INSP_SORT_REFERRERS = 5
} insp_sort;

typedef enum insp_remainder_query {
    INSP_REMAINDER_ANY = 0,
    INSP_REMAINDER_UNBALANCED = 1,
    INSP_REMAINDER_SURPLUS = 2,
    INSP_REMAINDER_DEFICIT = 3
} insp_remainder_query;

/** What objects must be like; all of it. Zeroed: any. */
typedef struct insp_query {
    const uint8_t *types; /**< by type id: 1 for those that are wanted; NULL: any */
    size_t n_types;
    const char *gc;       /**< as insp_object has it; NULL: any */
    int64_t least_refcnt; /**< INT64_MIN: any, immortal ones too */
    int64_t least_size, least_referrers;
    insp_remainder_query remainder;
    insp_sort sort;
    uint32_t limit; /**< how many are wanted; 0: all */
    uint32_t reserved;
} insp_query;

typedef struct insp_search {
    const uint32_t *rows; /**< numbers, in the order asked for */
    size_t len;
    uint64_t count, size, bytes; /**< of all that match */
} insp_search;

/** Look for objects. Needs INSP_STAGE_REVERSE. */
INSP_API insp_status insp_search_objects(insp_session *session, const insp_query *query,
                                         const insp_search **out, insp_error *err);

/** What a full collection would find, replayed with the collector's own subtraction. */
typedef struct insp_garbage {
    const uint32_t *unreachable; /**< before any finalizer or callback runs; by address */
    size_t n_unreachable;
    const uint32_t *with_them; /**< other objects that would go when those do */
    size_t n_with_them;
    const uint32_t *finalizers; /**< unreachable ones with a tp_finalize that has not run */
    size_t n_finalizers;
    const uint32_t *callbacks; /**< weakrefs to unreachable objects whose callback would run */
    size_t n_callbacks;
    const uint32_t *may_resurrect; /**< what finalizers and legacy ones reach */
    size_t n_may_resurrect;
    const uint32_t *uncollectable; /**< legacy tp_del and what it reaches */
    size_t n_uncollectable;
    const uint32_t *below_zero; /**< subtraction went below zero: over-released */
    size_t n_below_zero;
    uint64_t tracked; /**< objects the replay went over */
} insp_garbage;

INSP_API insp_status insp_garbage_replay(insp_session *session, const insp_garbage **out,
                                         insp_error *err);

/** A strongly connected component of tracked objects, or one object that refers to itself. */
typedef struct insp_component {
    size_t first; /**< its members are members[first … first + count) */
    size_t count;
    uint64_t bytes;
    int32_t reachable; /**< the collector would keep it */
    int32_t program;   /**< it holds the globals of a module: "the program itself" */
    const char *gc;    /**< the oldest generation that has a member: see insp_object */
} insp_component;

typedef struct insp_cycles {
    const insp_component *rows; /**< unreachable ones first, then by lowest address */
    size_t len;
    const uint32_t *members; /**< component after component, by address in each */
    size_t n_members;
} insp_cycles;

INSP_API insp_status insp_cycle_list(insp_session *session, const insp_cycles **out,
                                     insp_error *err);

/** Shortest cycles through one object, without ob_type, __globals__ and __mro__ edges. */
typedef struct insp_rings {
    const insp_edge *edges; /**< ring after ring; a ring's last edge ends at the object */
    size_t n_edges;
    const size_t *lengths;
    size_t len;
} insp_rings;

INSP_API insp_status insp_rings_through(insp_session *session, uint32_t number, uint32_t limit,
                                        const insp_rings **out, insp_error *err);

/** A type whose decoder was compared with its own tp_traverse. */
typedef struct insp_decoder_row {
    uint32_t type;       /**< row of insp_types */
    uint32_t checked;    /**< objects */
    uint32_t different;  /**< of these, whose referents are not those that tp_traverse visits */
    uint32_t unfollowed; /**< whose tp_traverse could not be interpreted to its end */
    insp_addr object;    /**< the first different one */
    uint64_t missing, extra; /**< its references that the decoder left out, or made up */
} insp_decoder_row;

typedef struct insp_decoder_check {
    const insp_decoder_row *rows;
    size_t len;
} insp_decoder_check;

/**
 * Compare the decoders with the types' own code, for at most `per_type` objects of each type (0: all). Types
 * without a decoder, whose tp_traverse is interpreted anyway, are left out.
 */
INSP_API insp_status insp_check_decoders(insp_session *session, uint32_t per_type,
                                         const insp_decoder_check **out, insp_error *err);

/** What a way to an object begins with. */
typedef enum insp_path_origin {
    INSP_PATH_NONE = 0,   /**< there is none: only cycles and the like hold it */
    INSP_PATH_ROOT = 1,   /**< a frame, a slot of the interpreter, a module's data */
    INSP_PATH_STATIC = 2, /**< a static or immortal object */
    INSP_PATH_SURPLUS = 3 /**< an object with more counts than owners: C code, or a leak */
} insp_path_origin;

/**
 * Why an object is alive: a shortest way by owned references. Roots go before static objects, those
 * before objects with a surplus, however long the way.
 */
typedef struct insp_path {
    insp_path_origin origin;
    uint32_t start; /**< number of the root or object it begins with; INSP_NONE: no way */
    const insp_edge *edges; /**< from there to the object, each where the one before ends */
    size_t n_edges;         /**< 0 also where the object itself is the start */
} insp_path;

INSP_API insp_status insp_path_to(insp_session *session, uint32_t number, const insp_path **out,
                                  insp_error *err);

/**
 * What would go with an object: it dominates what can be reached from roots, static objects and objects with a
 * surplus over it alone, by owned references.
 */
typedef struct insp_retained_row {
    uint32_t number;
    uint32_t objects; /**< how many would go, itself included */
    uint64_t bytes;   /**< of their blocks: insp_object.bytes, summed */
} insp_retained_row;

typedef struct insp_retained {
    uint32_t objects; /**< of the object asked for; 0: it is garbage already */
    uint64_t bytes;
    const insp_retained_row *rows; /**< those that retain most first */
    size_t len;
} insp_retained;

/** An object, and those right below it: the rest of what it retains is theirs. */
INSP_API insp_status insp_retained_by(insp_session *session, uint32_t number,
                                      const insp_retained **out, insp_error *err);

/**
 * The objects that keep most alive, at most `limit` (0: all), none of them below another. Roots,
 * modules and their globals, and what owes 4/5 to one object below it, are gone into.
 */
INSP_API insp_status insp_retained_most_by(insp_session *session, uint32_t limit,
                                           const insp_retained **out, insp_error *err);

/* ---- findings and export ------------------------------------------------------------------ */

typedef struct insp_finding {
    const char *rule; /**< "gc-list", "pool-freelist", "object-type" … */
    const char *text; /**< one sentence */
    insp_addr addr;
} insp_finding;

typedef struct insp_findings {
    const insp_finding *rows;
    size_t len;
    uint64_t left_out; /**< more of them that were counted, not kept */
} insp_findings;

INSP_API insp_status insp_session_findings(insp_session *session, const insp_findings **out,
                                           insp_error *err);

/**
 * What was found while the heap was read, and what more every sound heap holds, looked at over the whole of
 * this one: counts, the collector's back links, with PYTHONMALLOC=debug the bytes around each block and
 * those of free ones. Slots without an object are not among them: insp_dangling tells those.
 * Needs INSP_STAGE_REFERENCES.
 */
INSP_API insp_status insp_heap_findings(insp_session *session, const insp_findings **out,
                                        insp_error *err);

typedef enum insp_format { INSP_FORMAT_JSONL = 1 } insp_format;

/** Takes n bytes; returns 0, or another number to stop. Called from the thread that exports. */
typedef int (*insp_write_fn)(void *ctx, const void *bytes, size_t n);

/**
 * Write the whole heap. Needs INSP_STAGE_NATIVE. docs/formats.md describes the lines.
 *
 * Fails with INSP_ERR_CANCELLED where `write` returned non-zero.
 */
INSP_API insp_status insp_export(insp_session *session, insp_format format, insp_write_fn write,
                                 void *ctx, insp_error *err);

/**
 * Write the references inside each of some sets of objects as JSON, one line a set:
 * `[{"src":"0x…","dst":"0x…","name":".x"},…]`. Set i is the next counts[i] of `numbers`; an object is in
 * one set at most. Needs INSP_STAGE_REFERENCES.
 *
 * Fails with INSP_ERR_CANCELLED where `write` returned non-zero, INSP_ERR_ARGUMENT where a number is no
 * object's.
 */
INSP_API insp_status insp_export_inside(insp_session *session, const uint32_t *numbers,
                                        const size_t *counts, size_t n, insp_write_fn write,
                                        void *ctx, insp_error *err);

/**
 * Write what was copied of a process (insp_open_process) as an ELF core file, with its threads, its mappings and
 * what the kernel told it. Needs no stage. Where `write` gets NULL for bytes, n zero bytes are meant: a file can
 * have a hole there.
 *
 * Fails with INSP_ERR_CANCELLED where `write` returned non-zero, INSP_ERR_ARGUMENT for a session of anything else.
 */
INSP_API insp_status insp_write_core(insp_session *session, insp_write_fn write, void *ctx,
                                     insp_error *err);

/** The whole heap into a file descriptor, without a callback. */
INSP_API insp_status insp_export_fd(insp_session *session, insp_format format, int fd,
                                    insp_error *err);

#ifdef __cplusplus
}
#endif

#endif
