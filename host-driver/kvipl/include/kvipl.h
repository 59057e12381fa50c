/*
 * kvipl.h - the Kernel VI Provider Library (KVIPL) of the one-shot RNIC: 40 calls, in the order of their ordinals.
 *
 * Names, values and argument order are those of the KVIPL addendum of March 25, 1999 (appendix A). Where its text and its
 * header differ, the header counts; what the text alone names is kept as an alias. Only KvipConnectAccept and
 * KvipConnectReject wait for the peer, for a bounded time.
 *
 *   KvipOpenNic                        hardware connection
 *   KvipCreatePtag, KvipRegisterMem    memory
 *   KvipCreateCQ, KvipCreateVi         queues
 *   KvipConnect*                       client and server, or two peers
 *   KvipPost*, Kvip*Done, KvipRearm*   data transfer, polled or with wait objects
 *
 * Link with -lkvipl. Every call may be made from any thread. A handle that is stale or was never given is answered with
 * KVIP_INVALID_PARAMETER; the library never follows a handle as a pointer.
 */
#ifndef KVIPL_H
#define KVIPL_H

#include <vipl.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Types under their KVIPL names ---- */

typedef VIP_UCHAR   KVIP_UCHAR;
typedef VIP_CHAR    KVIP_CHAR;
typedef wchar_t     KVIP_WCHAR;
typedef VIP_USHORT  KVIP_USHORT;
typedef VIP_ULONG   KVIP_ULONG;
typedef VIP_BOOLEAN KVIP_BOOLEAN;
typedef VIP_PVOID   KVIP_PVOID;
typedef VIP_UINT64  KVIP_UINT64;
typedef VIP_UINT32  KVIP_UINT32;
typedef VIP_UINT16  KVIP_UINT16;
typedef VIP_UINT8   KVIP_UINT8;

#define KVIP_TRUE  VIP_TRUE
#define KVIP_FALSE VIP_FALSE

/*
 * A wait object is an eventfd(2) of the caller: poll it, or read it, until the library signals it by writing 1. Rearming lets
 * the library signal once more; emptying the eventfd (reading it) is the caller's. The caller closes it after the handle
 * that it was given to is gone.
 */
typedef int KVIP_WAIT_OBJECT;

typedef VIP_NIC_HANDLE        KVIP_NIC_HANDLE;
typedef VIP_VI_HANDLE         KVIP_VI_HANDLE;
typedef VIP_CQ_HANDLE         KVIP_CQ_HANDLE;
typedef VIP_MEM_HANDLE        KVIP_MEM_HANDLE;
typedef VIP_PROTECTION_HANDLE KVIP_PROTECTION_HANDLE;
typedef VIP_QOS               KVIP_QOS;
typedef VIP_PVOID             KVIP_CONN_HANDLE;
/* A bus address of this NIC (an I/O virtual address); KVIP_SMI_PHYS_ADDRESS tells it. */
typedef VIP_PVOID             KVIP_PHYS_ADDRESS;

#define KVIP_INFINITE VIP_INFINITE

typedef VIP_RELIABILITY_LEVEL KVIP_RELIABILITY_LEVEL;

#define KVIP_SERVICE_UNRELIABLE         VIP_SERVICE_UNRELIABLE
#define KVIP_SERVICE_RELIABLE_DELIVERY  VIP_SERVICE_RELIABLE_DELIVERY
#define KVIP_SERVICE_RELIABLE_RECEPTION VIP_SERVICE_RELIABLE_RECEPTION

typedef VIP_NET_ADDRESS      KVIP_NET_ADDRESS;
typedef VIP_NIC_ATTRIBUTES   KVIP_NIC_ATTRIBUTES;
typedef VIP_VI_ATTRIBUTES    KVIP_VI_ATTRIBUTES;
typedef VIP_MEM_ATTRIBUTES   KVIP_MEM_ATTRIBUTES;
typedef VIP_ERROR_DESCRIPTOR KVIP_ERROR_DESCRIPTOR;

/* ---- Asynchronous errors: the values of VIP_RESOURCE_CODE and VIP_ERROR_CODE ---- */

typedef VIP_RESOURCE_CODE KVIP_RESOURCE_CODE;

#define KVIP_RESOURCE_NIC        VIP_RESOURCE_NIC
#define KVIP_RESOURCE_VI         VIP_RESOURCE_VI
#define KVIP_RESOURCE_CQ         VIP_RESOURCE_CQ
#define KVIP_RESOURCE_DESCRIPTOR VIP_RESOURCE_DESCRIPTOR

typedef VIP_ERROR_CODE KVIP_ERROR_CODE;

/* A descriptor was posted at an address or with a handle that cannot be used, or not at a multiple of 64, or its link changed. */
#define KVIP_ERROR_POST_DESC      VIP_ERROR_POST_DESC
/* The connection is gone and the VI is in the Error state. */
#define KVIP_ERROR_CONN_LOST      VIP_ERROR_CONN_LOST
/* A message was dropped: no receive descriptor. */
#define KVIP_ERROR_RECVQ_EMPTY    VIP_ERROR_RECVQ_EMPTY
/* More descriptors were posted than a work queue holds. */
#define KVIP_ERROR_VI_OVERRUN     VIP_ERROR_VI_OVERRUN
/* An incoming RDMA Write without immediate data: protection, damaged data, cut short. */
#define KVIP_ERROR_RDMAW_PROT     VIP_ERROR_RDMAW_PROT
#define KVIP_ERROR_RDMAW_DATA     VIP_ERROR_RDMAW_DATA
#define KVIP_ERROR_RDMAW_ABORT    VIP_ERROR_RDMAW_ABORT
/* An incoming RDMA Read: protection. */
#define KVIP_ERROR_RDMAR_PROT     VIP_ERROR_RDMAR_PROT
/* A completion could not be written, or a completion queue is out of reach. */
#define KVIP_ERROR_COMP_PROT      VIP_ERROR_COMP_PROT
/* The transport failed on an incoming RDMA operation that takes no descriptor. */
#define KVIP_ERROR_RDMA_TRANSPORT VIP_ERROR_RDMA_TRANSPORT
/* The hardware failed. */
#define KVIP_ERROR_CATASTROPHIC   VIP_ERROR_CATASTROPHIC

/* ---- VI states ---- */

typedef enum {
    KVIP_STATE_IDLE,
    KVIP_STATE_CONNECTED,
    KVIP_STATE_CONNECT_PENDING,
    KVIP_STATE_ERROR
} KVIP_VI_STATE;

/* ---- Return codes ---- */

typedef enum {
    KVIP_SUCCESS,
    KVIP_NOT_DONE,
    KVIP_INVALID_PARAMETER,
    KVIP_ERROR_RESOURCE,
    KVIP_TIMEOUT,
    KVIP_REJECT,
    KVIP_INVALID_RELIABILITY_LEVEL,
    KVIP_INVALID_MTU,
    KVIP_INVALID_QOS,
    KVIP_INVALID_PTAG,
    KVIP_INVALID_RDMA_READ,
    KVIP_DESCRIPTOR_ERROR,
    KVIP_INVALID_STATE,
    KVIP_ERROR_NAMESERVICE,
    KVIP_NO_MATCH,
    KVIP_NOT_REACHABLE
} KVIP_RETURN;

/* Other names that the addendum's text and prototypes use for some of these. */
#define KVIP_INVALID_RDMAREAD KVIP_INVALID_RDMA_READ
#define KVIP_INVALID_PARAM    KVIP_INVALID_PARAMETER
typedef KVIP_RETURN VIP_RETURN;
#define VIP_INVALID_PARAMETER KVIP_INVALID_PARAMETER
#define VIP_ERROR_RESOURCE    KVIP_ERROR_RESOURCE

/* ---- Descriptor ---- */

typedef VIP_PVOID64            KVIP_PVOID64;
typedef VIP_CONTROL_SEGMENT    KVIP_CONTROL_SEGMENT;
typedef VIP_ADDRESS_SEGMENT    KVIP_ADDRESS_SEGMENT;
typedef VIP_DATA_SEGMENT       KVIP_DATA_SEGMENT;
typedef VIP_DESCRIPTOR_SEGMENT KVIP_DESCRIPTOR_SEGMENT;
typedef VIP_DESCRIPTOR         KVIP_DESCRIPTOR;

#define KVIP_DESCRIPTOR_ALIGNMENT VIP_DESCRIPTOR_ALIGNMENT

#define KVIP_CONTROL_OP_SENDRECV  VIP_CONTROL_OP_SENDRECV
#define KVIP_CONTROL_OP_RDMAWRITE VIP_CONTROL_OP_RDMAWRITE
#define KVIP_CONTROL_OP_RDMAREAD  VIP_CONTROL_OP_RDMAREAD
#define KVIP_CONTROL_OP_RESERVED  VIP_CONTROL_OP_RESERVED
#define KVIP_CONTROL_OP_MASK      VIP_CONTROL_OP_MASK
#define KVIP_CONTROL_IMMEDIATE    VIP_CONTROL_IMMEDIATE
#define KVIP_CONTROL_QFENCE       VIP_CONTROL_QFENCE
#define KVIP_CONTROL_RESERVED     VIP_CONTROL_RESERVED

#define KVIP_STATUS_DONE               VIP_STATUS_DONE
#define KVIP_STATUS_FORMAT_ERROR       VIP_STATUS_FORMAT_ERROR
#define KVIP_STATUS_PROTECTION_ERROR   VIP_STATUS_PROTECTION_ERROR
#define KVIP_STATUS_LENGTH_ERROR       VIP_STATUS_LENGTH_ERROR
#define KVIP_STATUS_PARTIAL_ERROR      VIP_STATUS_PARTIAL_ERROR
#define KVIP_STATUS_DESC_FLUSHED_ERROR VIP_STATUS_DESC_FLUSHED_ERROR
#define KVIP_STATUS_TRANSPORT_ERROR    VIP_STATUS_TRANSPORT_ERROR
#define KVIP_STATUS_RDMA_PROT_ERROR    VIP_STATUS_RDMA_PROT_ERROR
#define KVIP_STATUS_REMOTE_DESC_ERROR  VIP_STATUS_REMOTE_DESC_ERROR
#define KVIP_STATUS_ERROR_MASK         VIP_STATUS_ERROR_MASK

#define KVIP_STATUS_OP_SEND              VIP_STATUS_OP_SEND
#define KVIP_STATUS_OP_RECEIVE           VIP_STATUS_OP_RECEIVE
#define KVIP_STATUS_OP_RDMA_WRITE        VIP_STATUS_OP_RDMA_WRITE
#define KVIP_STATUS_OP_REMOTE_RDMA_WRITE VIP_STATUS_OP_REMOTE_RDMA_WRITE
#define KVIP_STATUS_OP_RDMA_READ         VIP_STATUS_OP_RDMA_READ
#define KVIP_STATUS_OP_MASK              VIP_STATUS_OP_MASK
#define KVIP_STATUS_IMMEDIATE            VIP_STATUS_IMMEDIATE
#define KVIP_STATUS_RESERVED             VIP_STATUS_RESERVED

/* ---- System management information of this provider ---- */

/* InfoType: the bus address of a byte in memory that is registered. */
#define KVIP_SMI_PHYS_ADDRESS 1

typedef struct {
    KVIP_PVOID        VirtualAddress; /* in: inside a region of KvipRegisterMem */
    KVIP_MEM_HANDLE   MemHandle;      /* in: that region's handle */
    KVIP_PHYS_ADDRESS PhysAddress;    /* out: valid while that region, or one made of its pages, is registered */
} KVIP_SMI_PHYS_ADDRESS_INFO;

/* ---- Hardware connection: DeviceName is the board's URL, such as L"vfio-user:/tmp/a.sock" ---- */

EXPORT KVIP_RETURN KvipOpenNic(IN const KVIP_WCHAR *DeviceName,
                               IN KVIP_WAIT_OBJECT *ErrorNotificationWaitObject,
                               OUT KVIP_NIC_HANDLE *NicHandle);

EXPORT KVIP_RETURN KvipCloseNic(IN KVIP_NIC_HANDLE NicHandle);

/* ---- Endpoints ---- */

EXPORT KVIP_RETURN KvipCreateVi(IN KVIP_NIC_HANDLE NicHandle,
                                IN KVIP_VI_ATTRIBUTES *ViAttribs,
                                IN KVIP_CQ_HANDLE SendCQHandle,
                                IN KVIP_CQ_HANDLE RecvCQHandle,
                                IN KVIP_WAIT_OBJECT *SendWaitObject,
                                IN KVIP_WAIT_OBJECT *RecvWaitObject,
                                OUT KVIP_VI_HANDLE *ViHandle);

EXPORT KVIP_RETURN KvipDestroyVi(IN KVIP_VI_HANDLE ViHandle);

/* ---- Connections ---- */

EXPORT KVIP_RETURN KvipConnectServerRequest(IN KVIP_NIC_HANDLE NicHandle,
                                            IN KVIP_NET_ADDRESS *LocalAddr,
                                            IN KVIP_ULONG Timeout,
                                            IN KVIP_WAIT_OBJECT *WaitObject,
                                            OUT KVIP_CONN_HANDLE *ConnHandle);

EXPORT KVIP_RETURN KvipConnectServerDone(IN KVIP_CONN_HANDLE ConnHandle,
                                         OUT KVIP_NET_ADDRESS *RemoteAddr,
                                         OUT KVIP_VI_ATTRIBUTES *RemoteViAttribs);

EXPORT KVIP_RETURN KvipConnectClientRequest(IN KVIP_VI_HANDLE ViHandle,
                                            IN KVIP_NET_ADDRESS *LocalAddr,
                                            IN KVIP_NET_ADDRESS *RemoteAddr,
                                            IN KVIP_ULONG Timeout,
                                            IN KVIP_WAIT_OBJECT *WaitObject);

EXPORT KVIP_RETURN KvipConnectClientDone(IN KVIP_VI_HANDLE ViHandle,
                                         OUT KVIP_VI_ATTRIBUTES *RemoteViAttribs);

EXPORT KVIP_RETURN KvipConnectAccept(IN KVIP_CONN_HANDLE ConnHandle,
                                     IN KVIP_VI_HANDLE ViHandle);

EXPORT KVIP_RETURN KvipConnectReject(IN KVIP_CONN_HANDLE ConnHandle);

EXPORT KVIP_RETURN KvipDisconnect(IN KVIP_VI_HANDLE ViHandle);

EXPORT KVIP_RETURN KvipConnectPeerRequest(IN KVIP_VI_HANDLE ViHandle,
                                          IN KVIP_NET_ADDRESS *LocalAddr,
                                          IN KVIP_NET_ADDRESS *RemoteAddr,
                                          IN KVIP_ULONG Timeout,
                                          IN KVIP_WAIT_OBJECT *WaitObject);

EXPORT KVIP_RETURN KvipConnectPeerDone(IN KVIP_VI_HANDLE ViHandle,
                                       OUT KVIP_VI_ATTRIBUTES *RemoteViAttribs);

/* ---- Memory ---- */

EXPORT KVIP_RETURN KvipCreatePtag(IN KVIP_NIC_HANDLE NicHandle,
                                  OUT KVIP_PROTECTION_HANDLE *Ptag);

EXPORT KVIP_RETURN KvipDestroyPtag(IN KVIP_NIC_HANDLE NicHandle,
                                   IN KVIP_PROTECTION_HANDLE Ptag);

EXPORT KVIP_RETURN KvipRegisterMem(IN KVIP_NIC_HANDLE NicHandle,
                                   IN KVIP_PVOID VirtualAddress,
                                   IN KVIP_ULONG Length,
                                   IN KVIP_MEM_ATTRIBUTES *MemAttribs,
                                   OUT KVIP_MEM_HANDLE *MemoryHandle);

EXPORT KVIP_RETURN KvipDeregisterMem(IN KVIP_NIC_HANDLE NicHandle,
                                     IN KVIP_PVOID VirtualAddress,
                                     IN KVIP_MEM_HANDLE MemoryHandle);

EXPORT KVIP_RETURN KvipRegisterPhysPages(IN KVIP_NIC_HANDLE NicHandle,
                                         IN KVIP_PHYS_ADDRESS PhysAddress[],
                                         IN KVIP_ULONG NumPhysPages,
                                         IN KVIP_MEM_ATTRIBUTES *MemAttribs,
                                         OUT KVIP_MEM_HANDLE *MemoryHandle);

EXPORT KVIP_RETURN KvipDeregisterPhysPages(IN KVIP_NIC_HANDLE NicHandle,
                                           IN KVIP_MEM_HANDLE MemoryHandle);

/* ---- Data transfer and completion ---- */

EXPORT KVIP_RETURN KvipPostSend(IN KVIP_VI_HANDLE ViHandle,
                                IN KVIP_DESCRIPTOR *DescriptorPtr,
                                IN KVIP_MEM_HANDLE MemoryHandle);

EXPORT KVIP_RETURN KvipSendDone(IN KVIP_VI_HANDLE ViHandle,
                                OUT KVIP_DESCRIPTOR **DescriptorPtr);

EXPORT KVIP_RETURN KvipRearmSend(IN KVIP_VI_HANDLE ViHandle);

EXPORT KVIP_RETURN KvipPostRecv(IN KVIP_VI_HANDLE ViHandle,
                                IN KVIP_DESCRIPTOR *DescriptorPtr,
                                IN KVIP_MEM_HANDLE MemoryHandle);

EXPORT KVIP_RETURN KvipRecvDone(IN KVIP_VI_HANDLE ViHandle,
                                OUT KVIP_DESCRIPTOR **DescriptorPtr);

EXPORT KVIP_RETURN KvipRearmRecv(IN KVIP_VI_HANDLE ViHandle);

EXPORT KVIP_RETURN KvipCQDone(IN KVIP_CQ_HANDLE CQHandle,
                              OUT KVIP_VI_HANDLE *ViHandle,
                              OUT KVIP_BOOLEAN *RecvQueue);

EXPORT KVIP_RETURN KvipRearmCQ(IN KVIP_CQ_HANDLE CQHandle);

/* ---- Completion queues ---- */

EXPORT KVIP_RETURN KvipCreateCQ(IN KVIP_NIC_HANDLE NicHandle,
                                IN KVIP_ULONG EntryCount,
                                IN KVIP_WAIT_OBJECT *CQWaitObject,
                                OUT KVIP_CQ_HANDLE *CQHandle);

EXPORT KVIP_RETURN KvipDestroyCQ(IN KVIP_CQ_HANDLE CQHandle);

EXPORT KVIP_RETURN KvipResizeCQ(IN KVIP_CQ_HANDLE CQHandle,
                                IN KVIP_ULONG EntryCount);

/* ---- Information ---- */

EXPORT KVIP_RETURN KvipQueryNic(IN KVIP_NIC_HANDLE NicHandle,
                                OUT KVIP_NIC_ATTRIBUTES *NicAttribs);

EXPORT KVIP_RETURN KvipSetViAttributes(IN KVIP_VI_HANDLE ViHandle,
                                       IN KVIP_VI_ATTRIBUTES *ViAttribs);

EXPORT KVIP_RETURN KvipQueryVi(IN KVIP_VI_HANDLE ViHandle,
                               OUT KVIP_VI_STATE *State,
                               OUT KVIP_VI_ATTRIBUTES *ViAttribs,
                               OUT KVIP_BOOLEAN *ViSendQEmpty,
                               OUT KVIP_BOOLEAN *ViRecvQEmpty);

EXPORT KVIP_RETURN KvipSetMemAttributes(IN KVIP_NIC_HANDLE NicHandle,
                                        IN KVIP_PVOID Address,
                                        IN KVIP_MEM_HANDLE MemHandle,
                                        IN KVIP_MEM_ATTRIBUTES *MemAttribs);

EXPORT KVIP_RETURN KvipQueryMem(IN KVIP_NIC_HANDLE NicHandle,
                                IN KVIP_PVOID Address,
                                IN KVIP_MEM_HANDLE MemHandle,
                                OUT KVIP_MEM_ATTRIBUTES *MemAttribs);

EXPORT KVIP_RETURN KvipQuerySystemManagementInfo(IN KVIP_NIC_HANDLE NicHandle,
                                                 IN KVIP_ULONG InfoType,
                                                 IN OUT KVIP_PVOID SysManInfo);

/* ---- Errors: *ErrorDescriptor points at memory of the caller, which is filled ---- */

EXPORT KVIP_RETURN KvipErrorNotificationDone(IN KVIP_NIC_HANDLE NicHandle,
                                             OUT KVIP_ERROR_DESCRIPTOR **ErrorDescriptor);

EXPORT KVIP_RETURN KvipRearmErrorNotification(IN KVIP_NIC_HANDLE NicHandle);

/* ---- VI context: in the addendum's text alone, so with ordinals of our own, 39 and 40 ---- */

EXPORT KVIP_RETURN KvipSetViContext(IN KVIP_VI_HANDLE ViHandle,
                                    IN KVIP_PVOID ViContext);

EXPORT KVIP_RETURN KvipGetViContext(IN KVIP_VI_HANDLE ViHandle,
                                    OUT KVIP_PVOID *ViContext);

#ifdef __cplusplus
}
#endif

#endif /* KVIPL_H */
