//! The headers compile without a warning, as C99 and as C++, and mean what the Rust side means: sizes, offsets, every value.

use kvipl::c::types::{
    AddressSegment, Boolean, ControlSegment, DataSegment, Descriptor, DescriptorSegment,
    ErrorDescriptor, Handle, MemAttributes, MemHandle, NetAddress, NicAttributes, PVoid64,
    PhysAddressInfo, ViAttributes, WaitObject, WideChar, INFINITE, SMI_PHYS_ADDRESS,
};
use kvipl::exports::CALLS;
use kvipl::{ErrorCode, KvipReturn, ResourceCode, ViState};
use rnic_abi::command::reliability;
use rnic_abi::descriptor::{control, status, ALIGN};
use std::collections::BTreeMap;
use std::mem::offset_of;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A file of this crate.
fn file(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// Compiles `source` with all warnings as errors; panics with what the compiler says.
fn compile(compiler: &str, language: &[&str], source: &Path, output: &Path) {
    let done = Command::new(compiler)
        .args(language)
        .args(["-Wall", "-Wextra", "-pedantic", "-Werror", "-I"])
        .arg(file("include"))
        .arg(source)
        .arg("-o")
        .arg(output)
        .output()
        .unwrap_or_else(|error| panic!("{compiler}: {error}"));
    let said = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success(), "{compiler} {language:?}:\n{said}");
}

/// What layout.c prints: each name with its number.
fn layout(compiler: &str, language: &[&str], name: &str) -> BTreeMap<String, u64> {
    let program = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    compile(compiler, language, &file("tests/c/layout.c"), &program);
    let output = Command::new(&program).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let pair = |line: &str| {
        let (name, number) = line.rsplit_once(' ').unwrap();
        (name.to_string(), number.parse().unwrap())
    };
    text.lines().map(pair).collect()
}

/// The same from the Rust side.
fn expected() -> BTreeMap<String, u64> {
    let mut all = BTreeMap::new();
    macro_rules! sizes {
        ($($c:literal $rust:ty;)*) => { $(all.insert(format!("sizeof KVIP_{}", $c), size_of::<$rust>() as u64);)* };
    }
    sizes! {
        "WCHAR" WideChar; "WAIT_OBJECT" WaitObject; "BOOLEAN" Boolean; "MEM_HANDLE" MemHandle; "NIC_HANDLE" Handle;
        "PVOID64" PVoid64; "CONTROL_SEGMENT" ControlSegment; "ADDRESS_SEGMENT" AddressSegment;
        "DATA_SEGMENT" DataSegment; "DESCRIPTOR_SEGMENT" DescriptorSegment; "DESCRIPTOR" Descriptor;
        "NET_ADDRESS" NetAddress; "NIC_ATTRIBUTES" NicAttributes; "VI_ATTRIBUTES" ViAttributes;
        "MEM_ATTRIBUTES" MemAttributes; "ERROR_DESCRIPTOR" ErrorDescriptor; "SMI_PHYS_ADDRESS_INFO" PhysAddressInfo;
    }
    macro_rules! fields {
        ($($c:literal $rust:ty { $($field:ident $name:literal)* })*) => {
            $($(all.insert(format!("offsetof KVIP_{}.{}", $c, $name), offset_of!($rust, $field) as u64);)*)*
        };
    }
    fields! {
        "CONTROL_SEGMENT" ControlSegment { next "Next" next_handle "NextHandle" seg_count "SegCount" control "Control"
            reserved "Reserved" immediate_data "ImmediateData" length "Length" status "Status" }
        "ADDRESS_SEGMENT" AddressSegment { data "Data" handle "Handle" reserved "Reserved" }
        "DATA_SEGMENT" DataSegment { data "Data" handle "Handle" length "Length" }
        "DESCRIPTOR" Descriptor { control "CS" segments "DS" }
        "NET_ADDRESS" NetAddress { host_address_len "HostAddressLen" discriminator_len "DiscriminatorLen"
            host_address "HostAddress" }
        "NIC_ATTRIBUTES" NicAttributes { name "Name" hardware_version "HardwareVersion"
            provider_version "ProviderVersion" nic_address_len "NicAddressLen" local_nic_address "LocalNicAddress"
            thread_safe "ThreadSafe" max_discriminator_len "MaxDiscriminatorLen" max_register_bytes "MaxRegisterBytes"
            max_register_regions "MaxRegisterRegions" max_register_block_bytes "MaxRegisterBlockBytes" max_vi "MaxVI"
            max_descriptors_per_queue "MaxDescriptorsPerQueue" max_segments_per_desc "MaxSegmentsPerDesc" max_cq "MaxCQ"
            max_cq_entries "MaxCQEntries" max_transfer_size "MaxTransferSize" native_mtu "NativeMTU"
            max_ptags "MaxPtags" reliability_level_support "ReliabilityLevelSupport"
            rdma_read_support "RDMAReadSupport" }
        "VI_ATTRIBUTES" ViAttributes { reliability_level "ReliabilityLevel" max_transfer_size "MaxTransferSize"
            qos "QoS" ptag "Ptag" enable_rdma_write "EnableRdmaWrite" enable_rdma_read "EnableRdmaRead" }
        "MEM_ATTRIBUTES" MemAttributes { ptag "Ptag" enable_rdma_write "EnableRdmaWrite"
            enable_rdma_read "EnableRdmaRead" }
        "ERROR_DESCRIPTOR" ErrorDescriptor { nic_handle "NicHandle" vi_handle "ViHandle" cq_handle "CQHandle"
            descriptor "DescriptorPtr" op_code "OpCode" resource_code "ResourceCode" error_code "ErrorCode" }
        "SMI_PHYS_ADDRESS_INFO" PhysAddressInfo { virtual_address "VirtualAddress" mem_handle "MemHandle"
            phys_address "PhysAddress" }
    }
    let returns = KvipReturn::ALL.iter().map(|c| (c.c_name(), *c as u32));
    let errors = ErrorCode::ALL.iter().map(|c| (c.c_name(), *c as u32));
    let resources = ResourceCode::ALL.iter().map(|c| (c.c_name(), *c as u32));
    let states = ViState::ALL.iter().map(|c| (c.c_name(), *c as u32));
    for (name, number) in returns.chain(errors).chain(resources).chain(states) {
        all.insert(name.into(), number.into());
    }
    for (alias, code) in [
        ("KVIP_INVALID_RDMAREAD", KvipReturn::InvalidRdmaRead),
        ("KVIP_INVALID_PARAM", KvipReturn::InvalidParameter),
        ("VIP_INVALID_PARAMETER", KvipReturn::InvalidParameter),
        ("VIP_ERROR_RESOURCE", KvipReturn::ErrorResource),
    ] {
        all.insert(alias.into(), code as u64);
    }
    for (name, number) in [
        ("TRUE", 1),
        ("FALSE", 0),
        ("INFINITE", INFINITE),
        ("SMI_PHYS_ADDRESS", SMI_PHYS_ADDRESS),
        ("DESCRIPTOR_ALIGNMENT", ALIGN),
        ("SERVICE_UNRELIABLE", reliability::UNRELIABLE.into()),
        (
            "SERVICE_RELIABLE_DELIVERY",
            reliability::RELIABLE_DELIVERY.into(),
        ),
        (
            "SERVICE_RELIABLE_RECEPTION",
            reliability::RELIABLE_RECEPTION.into(),
        ),
        ("CONTROL_OP_SENDRECV", control::SEND_RECV.into()),
        ("CONTROL_OP_RDMAWRITE", control::RDMA_WRITE.into()),
        ("CONTROL_OP_RDMAREAD", control::RDMA_READ.into()),
        ("CONTROL_OP_RESERVED", control::OP_RESERVED.into()),
        ("CONTROL_OP_MASK", control::OP_MASK.into()),
        ("CONTROL_IMMEDIATE", control::IMMEDIATE.into()),
        ("CONTROL_QFENCE", control::QFENCE.into()),
        ("CONTROL_RESERVED", control::RESERVED.into()),
        ("STATUS_DONE", status::DONE.into()),
        ("STATUS_FORMAT_ERROR", status::FORMAT_ERROR.into()),
        ("STATUS_PROTECTION_ERROR", status::PROTECTION_ERROR.into()),
        ("STATUS_LENGTH_ERROR", status::LENGTH_ERROR.into()),
        ("STATUS_PARTIAL_ERROR", status::PARTIAL_ERROR.into()),
        ("STATUS_DESC_FLUSHED_ERROR", status::DESC_FLUSHED.into()),
        ("STATUS_TRANSPORT_ERROR", status::TRANSPORT_ERROR.into()),
        ("STATUS_RDMA_PROT_ERROR", status::RDMA_PROT_ERROR.into()),
        ("STATUS_REMOTE_DESC_ERROR", status::REMOTE_DESC_ERROR.into()),
        ("STATUS_ERROR_MASK", status::ERROR_MASK.into()),
        ("STATUS_OP_SEND", status::OP_SEND.into()),
        ("STATUS_OP_RECEIVE", status::OP_RECEIVE.into()),
        ("STATUS_OP_RDMA_WRITE", status::OP_RDMA_WRITE.into()),
        (
            "STATUS_OP_REMOTE_RDMA_WRITE",
            status::OP_REMOTE_RDMA_WRITE.into(),
        ),
        ("STATUS_OP_RDMA_READ", status::OP_RDMA_READ.into()),
        ("STATUS_OP_MASK", status::OP_MASK.into()),
        ("STATUS_IMMEDIATE", status::IMMEDIATE.into()),
        ("STATUS_RESERVED", status::RESERVED.into()),
    ] {
        all.insert(format!("KVIP_{name}"), number);
    }
    all
}

#[test]
fn c_layout_is_the_rust_layout() {
    let printed = layout("cc", &["-std=c99"], "layout_c");
    assert!(printed.len() > 140, "layout.c prints {}", printed.len());
    assert_eq!(printed, expected());
}

#[test]
fn cpp_layout_is_the_c_layout() {
    let cpp = layout("c++", &["-x", "c++", "-std=c++11"], "layout_cpp");
    assert_eq!(cpp, layout("cc", &["-std=c99"], "layout_c_again"));
}

/// kvipl.h is the only header that a program needs, and declares exactly the calls of the table, in its order.
#[test]
fn every_call_is_declared_once() {
    let header = std::fs::read_to_string(file("include/kvipl.h")).unwrap();
    let declared: Vec<_> = header
        .lines()
        .filter_map(|line| line.strip_prefix("EXPORT KVIP_RETURN "))
        .filter_map(|line| line.split('(').next())
        .collect();
    let listed: Vec<_> = CALLS.iter().map(|call| call.name).collect();
    assert_eq!(declared, listed);
}

/// Each name of the document's own header is there: a program of 1999 finds what it was written to.
#[test]
fn a_program_of_1999_compiles() {
    let object = Path::new(env!("CARGO_TARGET_TMPDIR")).join("vintage.o");
    compile(
        "cc",
        &["-std=c99", "-c"],
        &file("tests/c/vintage.c"),
        &object,
    );
}
