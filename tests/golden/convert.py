#!/usr/bin/env python3
"""Converts captures of Linux soft-iWARP into text test vectors: convert.py CAPTURE_FOLDER [OUTPUT_FOLDER]

siw-crc.pcap has valid CRCs, so siw-crc.txt holds whole FPDUs; siw-default.pcap has CRC off, so siw-default.txt holds ULPDUs.
Every one of a capture, stream by stream and in its order; one vector a line, in hexadecimal. A bandwidth test sends the same
segments again and again: a vector that came before is `=N`, the same as vector N, counted from 0.
"""

import struct
import sys
from pathlib import Path


def packets(capture):
    """Yields the link-layer frames of a classic pcap file, little or big endian."""
    data = capture.read_bytes()
    order = "<" if data[:4] in (b"\xd4\xc3\xb2\xa1", b"\x4d\x3c\xb2\xa1") else ">"
    link_type = struct.unpack(order + "I", data[20:24])[0]
    at = 24
    while at + 16 <= len(data):
        captured = struct.unpack(order + "I", data[at + 8 : at + 12])[0]
        yield link_type, data[at + 16 : at + 16 + captured]
        at += 16 + captured


def tcp_segments(capture):
    """Yields (flow, sequence, syn, payload) of every IPv4 TCP segment."""
    for link_type, frame in packets(capture):
        # 1: Ethernet; 113: Linux cooked; 276: Linux cooked version 2; 101: IP alone.
        skip = {1: 14, 113: 16, 276: 20, 101: 0}[link_type]
        packet = frame[skip:]
        if len(packet) < 40 or packet[0] >> 4 != 4 or packet[9] != 6:
            continue
        total = struct.unpack(">H", packet[2:4])[0]
        header = (packet[0] & 15) * 4
        tcp = packet[header:total]
        source, target, sequence = struct.unpack(">HHI", tcp[:8])
        flow = (packet[12:16], source, packet[16:20], target)
        yield flow, sequence, bool(tcp[13] & 2), tcp[(tcp[12] >> 4) * 4 :]


def streams(capture):
    """Reassembles every direction of every connection."""
    pieces = {}
    live = {}
    for flow, sequence, syn, payload in tcp_segments(capture):
        if syn:
            live[flow] = (sequence + 1) & 0xFFFFFFFF
            pieces.setdefault(flow, []).append({})
        elif payload and flow in live:
            offset = (sequence - live[flow]) & 0xFFFFFFFF
            pieces[flow][-1].setdefault(offset, payload)
    for connections in pieces.values():
        for parts in connections:
            stream = bytearray()
            for offset, payload in sorted(parts.items()):
                if offset > len(stream):
                    break
                stream[offset:] = stream[offset:] if offset + len(payload) <= len(stream) else payload
            yield bytes(stream)


def fpdus(stream):
    """Yields the FPDUs after the MPA request or reply."""
    if stream[:16] not in (b"MPA ID Req Frame", b"MPA ID Rep Frame"):
        return
    at = 20 + struct.unpack(">H", stream[18:20])[0]
    while at + 2 <= len(stream):
        ulpdu = struct.unpack(">H", stream[at : at + 2])[0]
        size = (ulpdu + 2 + 3) // 4 * 4 + 4
        if at + size > len(stream):
            return
        yield stream[at : at + size]
        at += size


def vectors(capture, what):
    """The lines of a capture's FPDUs or ULPDUs, and how many of them differ."""
    lines = []
    seen = {}
    for stream in streams(capture):
        for fpdu in fpdus(stream):
            ulpdu = struct.unpack(">H", fpdu[:2])[0]
            vector = fpdu if what == "FPDU" else fpdu[2 : 2 + ulpdu]
            if vector in seen:
                lines.append(f"={seen[vector]}")
            else:
                seen[vector] = len(lines)
                lines.append(vector.hex())
    return lines, len(seen)


def main():
    captures = Path(sys.argv[1])
    output = Path(sys.argv[2]) if len(sys.argv) > 2 else Path(__file__).parent
    for name, what in (("siw-crc", "FPDU"), ("siw-default", "ULPDU")):
        lines, differ = vectors(captures / f"{name}.pcap", what)
        title = f"# all {len(lines)} {what}s of {name}.pcap (Linux soft-iWARP); {differ} differ"
        (output / f"{name}.txt").write_text("\n".join([title, *lines]) + "\n")
        print(f"{name}.txt: {len(lines)} {what}s, {differ} differ")


if __name__ == "__main__":
    main()
