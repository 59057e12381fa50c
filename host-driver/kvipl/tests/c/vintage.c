/*
 * A program in the manner of 1999, compiled but not run: opens a NIC, registers, makes a VI, connects as a client, sends
 * with the polling model of section 5.1, asks for errors, leaves. It uses each type and most calls as their documents do.
 */
#include <kvipl.h>
#include <string.h>

#define BUFFER_BYTES 4096

typedef struct {
    KVIP_NIC_HANDLE        nic;
    KVIP_PROTECTION_HANDLE ptag;
    KVIP_VI_HANDLE         vi;
    KVIP_CQ_HANDLE         cq;
    KVIP_MEM_HANDLE        handle;
    KVIP_UCHAR            *memory;
} ENDPOINT;

static KVIP_RETURN open_endpoint(ENDPOINT *e, const KVIP_WCHAR *device, KVIP_WAIT_OBJECT *errors, KVIP_WAIT_OBJECT *done)
{
    KVIP_NIC_ATTRIBUTES nic;
    KVIP_MEM_ATTRIBUTES mem;
    KVIP_VI_ATTRIBUTES  vi;
    KVIP_RETURN         status;

    if ((status = KvipOpenNic(device, errors, &e->nic)) != KVIP_SUCCESS)
        return status;
    if ((status = KvipQueryNic(e->nic, &nic)) != KVIP_SUCCESS)
        return status;
    if ((nic.ReliabilityLevelSupport & KVIP_SERVICE_RELIABLE_DELIVERY) == 0)
        return KVIP_INVALID_RELIABILITY_LEVEL;
    if ((status = KvipCreatePtag(e->nic, &e->ptag)) != KVIP_SUCCESS)
        return status;

    mem.Ptag = e->ptag;
    mem.EnableRdmaWrite = KVIP_TRUE;
    mem.EnableRdmaRead = KVIP_FALSE;
    if ((status = KvipRegisterMem(e->nic, e->memory, BUFFER_BYTES, &mem, &e->handle)) != KVIP_SUCCESS)
        return status;
    if ((status = KvipCreateCQ(e->nic, 64, done, &e->cq)) != KVIP_SUCCESS)
        return status;

    memset(&vi, 0, sizeof vi);
    vi.ReliabilityLevel = KVIP_SERVICE_RELIABLE_DELIVERY;
    vi.MaxTransferSize = nic.MaxTransferSize;
    vi.QoS = (KVIP_QOS)0;
    vi.Ptag = e->ptag;
    vi.EnableRdmaWrite = KVIP_TRUE;
    return KvipCreateVi(e->nic, &vi, e->cq, e->cq, NULL, NULL, &e->vi);
}

static KVIP_RETURN connect_endpoint(ENDPOINT *e, KVIP_NET_ADDRESS *local, KVIP_NET_ADDRESS *remote)
{
    KVIP_VI_ATTRIBUTES theirs;
    KVIP_RETURN        status = KvipConnectClientRequest(e->vi, local, remote, KVIP_INFINITE, NULL);

    while (status == KVIP_SUCCESS)
        if ((status = KvipConnectClientDone(e->vi, &theirs)) != KVIP_NOT_DONE)
            return status;
        else
            status = KVIP_SUCCESS;
    return status;
}

static KVIP_RETURN send_and_poll(ENDPOINT *e, KVIP_DESCRIPTOR *descriptor, KVIP_UINT32 bytes)
{
    KVIP_DESCRIPTOR *completed;
    KVIP_VI_HANDLE   vi;
    KVIP_BOOLEAN     receive;
    KVIP_RETURN      status;

    memset(descriptor, 0, sizeof *descriptor);
    descriptor->CS.SegCount = 1;
    descriptor->CS.Control = KVIP_CONTROL_OP_SENDRECV | KVIP_CONTROL_IMMEDIATE;
    descriptor->CS.ImmediateData = 0x1999;
    descriptor->CS.Length = bytes;
    descriptor->DS[0].Local.Data.Address = e->memory;
    descriptor->DS[0].Local.Handle = e->handle;
    descriptor->DS[0].Local.Length = bytes;
    if ((status = KvipPostSend(e->vi, descriptor, e->handle)) != KVIP_SUCCESS)
        return status;
    while ((status = KvipCQDone(e->cq, &vi, &receive)) == KVIP_NOT_DONE)
        continue;
    if (status != KVIP_SUCCESS || receive)
        return status;
    status = KvipSendDone(vi, &completed);
    if (status == KVIP_DESCRIPTOR_ERROR && completed != NULL && (completed->CS.Status & KVIP_STATUS_ERROR_MASK))
        return KVIP_DESCRIPTOR_ERROR;
    return status;
}

static int lost(KVIP_NIC_HANDLE nic)
{
    KVIP_ERROR_DESCRIPTOR  error, *place = &error;

    return KvipErrorNotificationDone(nic, &place) == KVIP_SUCCESS && error.ResourceCode == KVIP_RESOURCE_VI &&
           error.ErrorCode == KVIP_ERROR_CONN_LOST;
}

int main(void)
{
    static KVIP_UCHAR  pages[2 * BUFFER_BYTES];
    static KVIP_UINT64 addresses[2][8];
    ENDPOINT           e;
    KVIP_WAIT_OBJECT   errors = -1, done = -1;
    KVIP_DESCRIPTOR   *descriptor = (KVIP_DESCRIPTOR *)(void *)(pages + BUFFER_BYTES);
    VIP_RETURN         status;

    memset(&e, 0, sizeof e);
    e.memory = pages;
    if (open_endpoint(&e, L"vfio-user:/tmp/a.sock", &errors, &done) != KVIP_SUCCESS)
        return 1;
    if (connect_endpoint(&e, (KVIP_NET_ADDRESS *)addresses[0], (KVIP_NET_ADDRESS *)addresses[1]) != KVIP_SUCCESS)
        return 2;
    if (send_and_poll(&e, descriptor, 64) != KVIP_SUCCESS || lost(e.nic))
        return 3;
    KvipDisconnect(e.vi);
    KvipDestroyVi(e.vi);
    KvipDestroyCQ(e.cq);
    status = KvipDeregisterMem(e.nic, e.memory, e.handle);
    KvipDestroyPtag(e.nic, e.ptag);
    return KvipCloseNic(e.nic) == KVIP_SUCCESS && status == KVIP_SUCCESS ? 0 : 4;
}
