/*
 * vipl.h - the types that the VI Architecture's user and kernel libraries share.
 *
 * Only what kvipl.h builds on: machine types, handles, attributes, the descriptor, the error descriptor. There are no Vip*
 * calls here; this NIC's library is libkvipl (kvipl.h). Sizes and offsets are those of the LP64 C ABI, and are checked by
 * tests/c/layout.c and, against the Rust side, by tests/headers.rs.
 *
 *   control segment, 32 bytes         Next 0 | NextHandle 8 | SegCount 12 | Control 14 | Reserved 16
 *                                     ImmediateData 20 | Length 24 | Status 28
 *   address segment, 16 (RDMA only)   Data 0 (the peer's address) | Handle 8 (the peer's) | Reserved 12
 *   data segment, 16 bytes each       Data 0 | Handle 8 | Length 12
 */
#ifndef VIPL_H
#define VIPL_H

#include <stddef.h>
#include <stdint.h>
#include <wchar.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Directions of parameters: for the reader alone. */
#ifndef IN
#define IN
#endif
#ifndef OUT
#define OUT
#endif

/* What the shared library shows to its users. */
#ifndef EXPORT
#if defined(__GNUC__)
#define EXPORT __attribute__((visibility("default")))
#else
#define EXPORT
#endif
#endif

/* Quietens C++ compilers about the open array in VIP_NET_ADDRESS. */
#if defined(__GNUC__)
#define VIP_EXTENSION __extension__
#else
#define VIP_EXTENSION
#endif

/* ---- Machine types ---- */

typedef void           *VIP_PVOID;
typedef int             VIP_BOOLEAN;
typedef char            VIP_CHAR;
typedef unsigned char   VIP_UCHAR;
typedef unsigned short  VIP_USHORT;
typedef unsigned long   VIP_ULONG;
typedef uint64_t        VIP_UINT64;
typedef uint32_t        VIP_UINT32;
typedef uint16_t        VIP_UINT16;
typedef uint8_t         VIP_UINT8;

#define VIP_TRUE  1
#define VIP_FALSE 0

/* ---- Handles: opaque, never dereferenced by the library ---- */

typedef VIP_PVOID       VIP_NIC_HANDLE;
typedef VIP_PVOID       VIP_VI_HANDLE;
typedef VIP_PVOID       VIP_CQ_HANDLE;
typedef VIP_PVOID       VIP_PROTECTION_HANDLE;
typedef VIP_UINT32      VIP_MEM_HANDLE;
/* A quality of service. This NIC knows two: the numbers 0 and 1, cast to this type. */
typedef VIP_PVOID       VIP_QOS;

/* ---- Timeouts, milliseconds ---- */

#define VIP_INFINITE 0xFFFFFFFFUL

/* ---- Reliability levels: one bit each, so that a set of levels is a mask ---- */

typedef VIP_USHORT      VIP_RELIABILITY_LEVEL;

#define VIP_SERVICE_UNRELIABLE         0x01
#define VIP_SERVICE_RELIABLE_DELIVERY  0x02
#define VIP_SERVICE_RELIABLE_RECEPTION 0x04

/* ---- Network address: the host's bytes, then the discriminator's ---- */

typedef struct {
    VIP_UINT16 HostAddressLen;
    VIP_UINT16 DiscriminatorLen;
    VIP_EXTENSION VIP_UINT8 HostAddress[];
} VIP_NET_ADDRESS;

/* ---- Attributes ---- */

typedef struct {
    VIP_CHAR              Name[64];
    VIP_ULONG             HardwareVersion;
    VIP_ULONG             ProviderVersion;
    VIP_UINT16            NicAddressLen;
    const VIP_UINT8      *LocalNicAddress;       /* valid while the NIC handle is */
    VIP_BOOLEAN           ThreadSafe;
    VIP_UINT16            MaxDiscriminatorLen;
    VIP_ULONG             MaxRegisterBytes;
    VIP_ULONG             MaxRegisterRegions;
    VIP_ULONG             MaxRegisterBlockBytes;
    VIP_ULONG             MaxVI;
    VIP_ULONG             MaxDescriptorsPerQueue;
    VIP_ULONG             MaxSegmentsPerDesc;    /* data segments; an address segment is not counted */
    VIP_ULONG             MaxCQ;
    VIP_ULONG             MaxCQEntries;
    VIP_ULONG             MaxTransferSize;
    VIP_ULONG             NativeMTU;
    VIP_ULONG             MaxPtags;
    VIP_RELIABILITY_LEVEL ReliabilityLevelSupport; /* mask */
    VIP_RELIABILITY_LEVEL RDMAReadSupport;         /* mask of the levels that have RDMA Read */
} VIP_NIC_ATTRIBUTES;

typedef struct {
    VIP_RELIABILITY_LEVEL ReliabilityLevel;
    VIP_ULONG             MaxTransferSize;
    VIP_QOS               QoS;
    VIP_PROTECTION_HANDLE Ptag;
    VIP_BOOLEAN           EnableRdmaWrite;
    VIP_BOOLEAN           EnableRdmaRead;
} VIP_VI_ATTRIBUTES;

typedef struct {
    VIP_PROTECTION_HANDLE Ptag;
    VIP_BOOLEAN           EnableRdmaWrite;
    VIP_BOOLEAN           EnableRdmaRead;
} VIP_MEM_ATTRIBUTES;

/* ---- Descriptor ---- */

/* In bytes; registered memory, little-endian fields. */
#define VIP_DESCRIPTOR_ALIGNMENT 64

/* Eight bytes whatever a pointer has. On a 32-bit machine clear AddressBits before setting Address. */
typedef union {
    VIP_UINT64 AddressBits;
    VIP_PVOID  Address;
} VIP_PVOID64;

typedef struct {
    VIP_PVOID64    Next;          /* written by the library, as NextHandle */
    VIP_MEM_HANDLE NextHandle;
    VIP_UINT16     SegCount;      /* address segment included */
    VIP_UINT16     Control;
    VIP_UINT32     Reserved;      /* zero */
    VIP_UINT32     ImmediateData;
    VIP_UINT32     Length;        /* posted: sum of the data segments; completed: bytes moved */
    VIP_UINT32     Status;        /* zero when posted */
} VIP_CONTROL_SEGMENT;

typedef struct {
    VIP_PVOID64    Data;
    VIP_MEM_HANDLE Handle;
    VIP_UINT32     Reserved;
} VIP_ADDRESS_SEGMENT;

typedef struct {
    VIP_PVOID64    Data;
    VIP_MEM_HANDLE Handle;
    VIP_UINT32     Length;
} VIP_DATA_SEGMENT;

typedef union {
    VIP_ADDRESS_SEGMENT Remote;
    VIP_DATA_SEGMENT    Local;
} VIP_DESCRIPTOR_SEGMENT;

/* A descriptor of up to two segments. A longer one goes on behind it: allocate the bytes, index DS through a pointer. */
typedef struct {
    VIP_CONTROL_SEGMENT    CS;
    VIP_DESCRIPTOR_SEGMENT DS[2];
} VIP_DESCRIPTOR;

/* Control word */
#define VIP_CONTROL_OP_SENDRECV  0x0
#define VIP_CONTROL_OP_RDMAWRITE 0x1
#define VIP_CONTROL_OP_RDMAREAD  0x2
#define VIP_CONTROL_OP_RESERVED  0x3
#define VIP_CONTROL_OP_MASK      0x3
#define VIP_CONTROL_IMMEDIATE    0x4
#define VIP_CONTROL_QFENCE       0x8
#define VIP_CONTROL_RESERVED     0xFFF0

/* Status word: flags, then the operation, which is a number in VIP_STATUS_OP_MASK */
#define VIP_STATUS_DONE               0x00000001
#define VIP_STATUS_FORMAT_ERROR       0x00000002
#define VIP_STATUS_PROTECTION_ERROR   0x00000004
#define VIP_STATUS_LENGTH_ERROR       0x00000008
#define VIP_STATUS_PARTIAL_ERROR      0x00000010
#define VIP_STATUS_DESC_FLUSHED_ERROR 0x00000020
#define VIP_STATUS_TRANSPORT_ERROR    0x00000040
#define VIP_STATUS_RDMA_PROT_ERROR    0x00000080
#define VIP_STATUS_REMOTE_DESC_ERROR  0x00000100
#define VIP_STATUS_ERROR_MASK         0x000001FE

#define VIP_STATUS_OP_SEND              0x00000000
#define VIP_STATUS_OP_RECEIVE           0x00010000
#define VIP_STATUS_OP_RDMA_WRITE        0x00020000
#define VIP_STATUS_OP_REMOTE_RDMA_WRITE 0x00030000
#define VIP_STATUS_OP_RDMA_READ         0x00040000
#define VIP_STATUS_OP_MASK              0x00070000
#define VIP_STATUS_IMMEDIATE            0x00080000
#define VIP_STATUS_RESERVED             0xFFF0FE00

/* ---- Asynchronous errors ---- */

/* Which handle of an error descriptor is meant. */
typedef enum {
    VIP_RESOURCE_NIC,
    VIP_RESOURCE_VI,
    VIP_RESOURCE_CQ,
    VIP_RESOURCE_DESCRIPTOR
} VIP_RESOURCE_CODE;

/* What happened; kvipl.h says when. */
typedef enum {
    VIP_ERROR_POST_DESC,
    VIP_ERROR_CONN_LOST,
    VIP_ERROR_RECVQ_EMPTY,
    VIP_ERROR_VI_OVERRUN,
    VIP_ERROR_RDMAW_PROT,
    VIP_ERROR_RDMAW_DATA,
    VIP_ERROR_RDMAW_ABORT,
    VIP_ERROR_RDMAR_PROT,
    VIP_ERROR_COMP_PROT,
    VIP_ERROR_RDMA_TRANSPORT,
    VIP_ERROR_CATASTROPHIC
} VIP_ERROR_CODE;

typedef struct {
    VIP_NIC_HANDLE    NicHandle;
    VIP_VI_HANDLE     ViHandle;
    VIP_CQ_HANDLE     CQHandle;
    VIP_DESCRIPTOR   *DescriptorPtr;
    VIP_ULONG         OpCode;        /* VIP_STATUS_OP_*, where an operation is known */
    VIP_RESOURCE_CODE ResourceCode;
    VIP_ERROR_CODE    ErrorCode;
} VIP_ERROR_DESCRIPTOR;

#ifdef __cplusplus
}
#endif

#endif /* VIPL_H */
