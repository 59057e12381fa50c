//! The structures of the C headers, field for field, for the C library alone; the Rust API has its own.
//!
//! A pointer here came from a C program: what it points at may lie across the end of mapped memory, be shared with the
//! board, or be changed by another thread. Nothing in this module follows one. Field meanings are in the headers.
//!
//! ```text
//! Descriptor: ControlSegment (32 bytes), then DescriptorSegment (16 bytes) each: address segment first in RDMA, then data
//! ```
//! Its offsets are `rnic_abi::descriptor`'s; the assertions below fail to compile otherwise. `tests/headers.rs` compares all
//! of them with what a C compiler makes of the headers.

use crate::codes::{ErrorCode, ResourceCode};
use rnic_abi::descriptor::{
    segment, ALIGN, CONTROL_BYTES, CONTROL_OFFSET, IMMEDIATE_OFFSET, LENGTH_OFFSET,
    NEXT_HANDLE_OFFSET, NEXT_OFFSET, RESERVED_OFFSET, SEGMENT_BYTES, SEGMENT_COUNT_OFFSET,
    STATUS_OFFSET,
};
use std::ffi::{c_char, c_int, c_ulong, c_void};
use std::mem::{offset_of, size_of};

/// `KVIP_NIC_HANDLE` and the other pointer-sized handles, `KVIP_QOS` too: a number that is never dereferenced.
pub type Handle = *mut c_void;
/// `KVIP_MEM_HANDLE`: the region's STag.
pub type MemHandle = u32;
/// `KVIP_BOOLEAN`: 0, or anything else for true.
pub type Boolean = c_int;
/// `KVIP_WCHAR`.
pub type WideChar = libc::wchar_t;
/// `KVIP_WAIT_OBJECT`: an eventfd of the caller.
pub type WaitObject = c_int;

/// `KVIP_INFINITE`: a timeout that never runs out, milliseconds.
pub const INFINITE: c_ulong = 0xFFFF_FFFF;

/// Bytes of `KVIP_NIC_ATTRIBUTES.Name`, the ending zero included.
pub const NAME_BYTES: usize = 64;

/// `InfoType` of [`PhysAddressInfo`].
pub const SMI_PHYS_ADDRESS: c_ulong = 1;

/// `KVIP_PVOID64`: an address in eight bytes.
///
/// ```
/// let address = kvipl::c::types::PVoid64 { bits: 0x1000 };
/// assert_eq!(size_of_val(&address), 8);
/// ```
#[derive(Clone, Copy)]
#[repr(C)]
pub union PVoid64 {
    /// All bits.
    pub bits: u64,
    /// As a pointer.
    pub address: *mut c_void,
}

/// `KVIP_CONTROL_SEGMENT`.
///
/// ```
/// assert_eq!(std::mem::offset_of!(kvipl::c::types::ControlSegment, status), rnic_abi::descriptor::STATUS_OFFSET);
/// ```
#[derive(Clone, Copy)]
#[repr(C)]
pub struct ControlSegment {
    /// Next descriptor of the queue.
    pub next: PVoid64,
    /// Its memory handle.
    pub next_handle: MemHandle,
    /// Segments, an address segment included.
    pub seg_count: u16,
    /// `rnic_abi::descriptor::control`.
    pub control: u16,
    /// Zero.
    pub reserved: u32,
    /// Immediate data.
    pub immediate_data: u32,
    /// Bytes to move; then bytes moved.
    pub length: u32,
    /// `rnic_abi::descriptor::status`.
    pub status: u32,
}

/// `KVIP_ADDRESS_SEGMENT`.
///
/// ```
/// assert_eq!(size_of::<kvipl::c::types::AddressSegment>(), rnic_abi::descriptor::SEGMENT_BYTES);
/// ```
#[derive(Clone, Copy)]
#[repr(C)]
pub struct AddressSegment {
    /// The peer's address.
    pub data: PVoid64,
    /// The peer's memory handle.
    pub handle: MemHandle,
    /// Zero.
    pub reserved: u32,
}

/// `KVIP_DATA_SEGMENT`.
///
/// ```
/// assert_eq!(size_of::<kvipl::c::types::DataSegment>(), rnic_abi::descriptor::SEGMENT_BYTES);
/// ```
#[derive(Clone, Copy)]
#[repr(C)]
pub struct DataSegment {
    /// Address of the buffer.
    pub data: PVoid64,
    /// Its memory handle.
    pub handle: MemHandle,
    /// Its bytes.
    pub length: u32,
}

/// `KVIP_DESCRIPTOR_SEGMENT`.
///
/// ```
/// use kvipl::c::types::{DataSegment, DescriptorSegment};
/// assert_eq!(size_of::<DescriptorSegment>(), size_of::<DataSegment>());
/// ```
#[derive(Clone, Copy)]
#[repr(C)]
pub union DescriptorSegment {
    /// Address segment.
    pub remote: AddressSegment,
    /// Data segment.
    pub local: DataSegment,
}

/// `KVIP_DESCRIPTOR` with two segments; longer ones go on behind it.
///
/// ```
/// assert_eq!(size_of::<kvipl::c::types::Descriptor>() as u64, rnic_abi::descriptor::ALIGN);
/// ```
#[derive(Clone, Copy)]
#[repr(C)]
pub struct Descriptor {
    /// Control segment.
    pub control: ControlSegment,
    /// Address and data segments.
    pub segments: [DescriptorSegment; 2],
}

const _: () = {
    assert!(size_of::<ControlSegment>() == CONTROL_BYTES);
    assert!(offset_of!(ControlSegment, next) == NEXT_OFFSET);
    assert!(offset_of!(ControlSegment, next_handle) == NEXT_HANDLE_OFFSET);
    assert!(offset_of!(ControlSegment, seg_count) == SEGMENT_COUNT_OFFSET);
    assert!(offset_of!(ControlSegment, control) == CONTROL_OFFSET);
    assert!(offset_of!(ControlSegment, reserved) == RESERVED_OFFSET);
    assert!(offset_of!(ControlSegment, immediate_data) == IMMEDIATE_OFFSET);
    assert!(offset_of!(ControlSegment, length) == LENGTH_OFFSET);
    assert!(offset_of!(ControlSegment, status) == STATUS_OFFSET);
    assert!(size_of::<DescriptorSegment>() == SEGMENT_BYTES);
    assert!(offset_of!(AddressSegment, data) == segment::VA_OFFSET);
    assert!(offset_of!(AddressSegment, handle) == segment::HANDLE_OFFSET);
    assert!(offset_of!(AddressSegment, reserved) == segment::LENGTH_OFFSET);
    assert!(offset_of!(DataSegment, data) == segment::VA_OFFSET);
    assert!(offset_of!(DataSegment, handle) == segment::HANDLE_OFFSET);
    assert!(offset_of!(DataSegment, length) == segment::LENGTH_OFFSET);
    assert!(offset_of!(Descriptor, segments) == CONTROL_BYTES);
    assert!(size_of::<Descriptor>() as u64 == ALIGN);
};

/// `KVIP_NET_ADDRESS`, without the bytes behind it: the host's, then the discriminator's.
///
/// ```
/// assert_eq!(size_of::<kvipl::c::types::NetAddress>(), 4);
/// ```
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct NetAddress {
    /// Bytes of the host address.
    pub host_address_len: u16,
    /// Bytes of the discriminator.
    pub discriminator_len: u16,
    /// Where the bytes begin.
    pub host_address: [u8; 0],
}

/// `KVIP_NIC_ATTRIBUTES`.
///
/// ```
/// use kvipl::c::types::{NicAttributes, NAME_BYTES};
/// assert_eq!(std::mem::offset_of!(NicAttributes, hardware_version), NAME_BYTES);
/// ```
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct NicAttributes {
    /// Name, ended by a zero.
    pub name: [c_char; NAME_BYTES],
    /// Version of the gateware.
    pub hardware_version: c_ulong,
    /// Version of this library.
    pub provider_version: c_ulong,
    /// Bytes of the NIC's address.
    pub nic_address_len: u16,
    /// The NIC's address, valid while the handle is.
    pub local_nic_address: *const u8,
    /// Calls may be made from any thread.
    pub thread_safe: Boolean,
    /// Most bytes of a discriminator.
    pub max_discriminator_len: u16,
    /// Most bytes registered at once.
    pub max_register_bytes: c_ulong,
    /// Most regions.
    pub max_register_regions: c_ulong,
    /// Most bytes of a region.
    pub max_register_block_bytes: c_ulong,
    /// Most VIs.
    pub max_vi: c_ulong,
    /// Depth of a work queue.
    pub max_descriptors_per_queue: c_ulong,
    /// Most data segments of a descriptor.
    pub max_segments_per_desc: c_ulong,
    /// Most completion queues.
    pub max_cq: c_ulong,
    /// Most entries of one.
    pub max_cq_entries: c_ulong,
    /// Longest message.
    pub max_transfer_size: c_ulong,
    /// Most payload bytes of a frame.
    pub native_mtu: c_ulong,
    /// Most protection tags.
    pub max_ptags: c_ulong,
    /// Levels that VIs may have, a mask.
    pub reliability_level_support: u16,
    /// Levels that have RDMA Read, a mask.
    pub rdma_read_support: u16,
}

/// `KVIP_VI_ATTRIBUTES`.
///
/// ```
/// assert_eq!(size_of::<kvipl::c::types::ViAttributes>(), 40);
/// ```
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct ViAttributes {
    /// `rnic_abi::command::reliability`.
    pub reliability_level: u16,
    /// Longest message.
    pub max_transfer_size: c_ulong,
    /// Quality of service: 0 or 1.
    pub qos: Handle,
    /// Protection tag.
    pub ptag: Handle,
    /// The peer may RDMA Write.
    pub enable_rdma_write: Boolean,
    /// The peer may RDMA Read.
    pub enable_rdma_read: Boolean,
}

/// `KVIP_MEM_ATTRIBUTES`.
///
/// ```
/// assert_eq!(size_of::<kvipl::c::types::MemAttributes>(), 16);
/// ```
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct MemAttributes {
    /// Protection tag.
    pub ptag: Handle,
    /// The peer may RDMA Write.
    pub enable_rdma_write: Boolean,
    /// The peer may RDMA Read.
    pub enable_rdma_read: Boolean,
}

/// `KVIP_ERROR_DESCRIPTOR`: written by the library, into memory of the caller.
///
/// ```
/// assert_eq!(size_of::<kvipl::c::types::ErrorDescriptor>(), 48);
/// ```
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct ErrorDescriptor {
    /// NIC.
    pub nic_handle: Handle,
    /// VI, or null.
    pub vi_handle: Handle,
    /// Completion queue, or null.
    pub cq_handle: Handle,
    /// The first descriptor that failed, or null.
    pub descriptor: *mut Descriptor,
    /// Operation, as in a status word.
    pub op_code: c_ulong,
    /// Which of the handles is meant.
    pub resource_code: ResourceCode,
    /// What happened.
    pub error_code: ErrorCode,
}

/// `KVIP_SMI_PHYS_ADDRESS_INFO`: the bus address of a byte of registered memory.
///
/// ```
/// assert_eq!(size_of::<kvipl::c::types::PhysAddressInfo>(), 24);
/// ```
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct PhysAddressInfo {
    /// In: where it is in this process.
    pub virtual_address: *mut c_void,
    /// In: the region that it lies in.
    pub mem_handle: MemHandle,
    /// Out: its IOVA.
    pub phys_address: Handle,
}
