// SPDX-License-Identifier: MIT
/**
 * @file
 * One instruction as Zydis decodes it, whichever of its versions that is.
 */
#ifndef INSP_MACHINE_ZYDIS_H
#define INSP_MACHINE_ZYDIS_H

#include <Zydis/Zydis.h>

#include <stdbool.h>
#include <stddef.h>

// Zydis 4 put the operands beside the instruction, and renamed what the stack's width is called.
#ifdef ZYDIS_MAX_OPERAND_COUNT_VISIBLE
typedef struct insp_zydis {
    ZydisDecodedInstruction in;
    ZydisDecodedOperand operands[ZYDIS_MAX_OPERAND_COUNT];
} insp_zydis;

static inline bool insp_zydis_read(const unsigned char *bytes, size_t n, insp_zydis *d)
{
    ZydisDecoder decoder;
    return ZYAN_SUCCESS(
               ZydisDecoderInit(&decoder, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64)) &&
           ZYAN_SUCCESS(ZydisDecoderDecodeFull(&decoder, bytes, n, &d->in, d->operands));
}

static inline const ZydisDecodedOperand *insp_zydis_operand(const insp_zydis *d, size_t i)
{
    return &d->operands[i];
}
#else
typedef struct insp_zydis {
    ZydisDecodedInstruction in;
} insp_zydis;

static inline bool insp_zydis_read(const unsigned char *bytes, size_t n, insp_zydis *d)
{
    ZydisDecoder decoder;
    return ZYAN_SUCCESS(ZydisDecoderInit(&decoder, ZYDIS_MACHINE_MODE_LONG_64,
                                         ZYDIS_ADDRESS_WIDTH_64)) &&
           ZYAN_SUCCESS(ZydisDecoderDecodeBuffer(&decoder, bytes, n, &d->in));
}

static inline const ZydisDecodedOperand *insp_zydis_operand(const insp_zydis *d, size_t i)
{
    return &d->in.operands[i];
}
#endif

#endif
