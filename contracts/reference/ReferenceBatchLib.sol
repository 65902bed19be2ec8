// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

/// @title ReferenceBatchLib
/// @notice Reads a batch the plain way: no assembly, no packing, every rule of docs/protocol.md in its own line.
/// @dev For tests only; the settlement's own reading is run against this one.
library ReferenceBatchLib {
    /// @notice Why bytes are no batch.
    /// @dev Short: nothing but a mode and a lane. Mode, Lane: none that is settled. Blobs: none or too many, or one
    /// without a group. CutOff: the bytes end within a field. Stream: a stream number is too large or does not rise.
    /// Count: no receipt, or more than a stream can have. Units: a receipt of zero units. Trailing: bytes behind the
    /// last group.
    enum Fault {
        None,
        Short,
        Mode,
        Lane,
        Blobs,
        CutOff,
        Stream,
        Count,
        Units,
        Trailing
    }

    /// @notice One finished task.
    struct Receipt {
        uint256 units;
        bytes32 workHash;
    }

    /// @notice One group. `units` are the stream's after it; of several groups of one deal the first has a `place`.
    struct Group {
        uint256 deal;
        uint256 stream;
        uint256 place;
        uint256 worker;
        uint256 first;
        uint256 count;
        uint256 units;
        bytes32 segment;
        bytes signature;
        bytes acknowledgement;
        Receipt[] receipts;
    }

    /// @notice A batch, or what is wrong with it. `blobs` says how many of the groups stand in each blob.
    struct Batch {
        Fault fault;
        uint256 mode;
        uint256 lane;
        uint256[] blobs;
        Group[] groups;
    }

    /// @dev Where the reading stands; `next` is the lowest stream number the next group may have, `fault` stays None
    /// while all is well.
    struct Reader {
        uint256 position;
        uint256 next;
        Fault fault;
    }

    uint256 private constant CALLDATA = 0;
    uint256 private constant BLOB = 1;
    uint256 private constant ACKNOWLEDGED = 0;
    uint256 private constant ATTESTED = 1;
    uint256 private constant FORCED = 2;
    uint256 private constant MAX_BLOBS = 6;
    uint256 private constant STREAMS = 64;
    uint256 private constant SIGNATURE = 64;
    uint256 private constant HASH = 32;
    bytes32 private constant TALLY_TYPEHASH = keccak256(
        "Tally(bytes32 dealKey,uint8 stream,uint32 first,uint32 count,uint48 units,bytes32 segment)"
    );
    uint256 private constant RECEIPT = 35; // units and a hash
    uint256 private constant MIN_GROUP = 88; // head and signature

    /// @notice Reads a whole batch.
    function decode(bytes calldata data) internal pure returns (Batch memory batch) {
        Fault refusal = _refusal(data);
        if (refusal != Fault.None) return _refused(refusal);
        batch.mode = uint8(data[0]);
        batch.lane = uint8(data[1]);

        Reader memory reader = Reader(2, 0, Fault.None);
        uint256 total = type(uint256).max; // groups there must be; in calldata they end with the bytes
        if (batch.mode == BLOB) (batch.blobs, total) = _blobs(data, reader);
        Group[] memory found = new Group[](data.length / MIN_GROUP + 1);
        uint256 groups = 0;
        while (reader.fault == Fault.None && groups < total) {
            if (groups != 0 && batch.mode == CALLDATA && reader.position == data.length) break;
            Group memory group = _group(data, reader, batch);
            if (reader.fault == Fault.None) found[groups] = group;
            ++groups;
        }
        if (reader.fault == Fault.None && reader.position != data.length) reader.fault = Fault.Trailing;
        if (reader.fault != Fault.None) return _refused(reader.fault);

        batch.groups = new Group[](groups);
        for (uint256 i = 0; i < groups; ++i) batch.groups[i] = found[i];
    }

    /// @notice Units of `count` receipts, read from the front.
    /// @return ok False if the bytes are no such receipts.
    /// @return units Sum of their units.
    function sum(bytes calldata data, uint256 count) internal pure returns (bool ok, uint256 units) {
        Reader memory reader = Reader(0, 0, Fault.None);
        for (uint256 i = 0; i < count; ++i) {
            units += _receipt(data, reader).units;
            if (reader.fault != Fault.None) return (false, 0);
        }
        return (true, units);
    }

    /// @notice Leaf of a group in its batch's tree: the struct hash of its tally.
    function groupHash(bytes32 key, Group memory group) internal pure returns (bytes32) {
        return
            keccak256(
                abi.encode(TALLY_TYPEHASH, key, group.stream, group.first, group.count, group.units, group.segment)
            );
    }

    /// @notice Root of a batch.
    /// @param keys Key of each group's deal.
    /// @param versionedHashes Of each blob.
    function root(
        Batch memory batch,
        bytes32[] memory keys,
        bytes32[] memory versionedHashes
    ) internal pure returns (bytes32) {
        bytes32[] memory leaves = new bytes32[](batch.groups.length);
        for (uint256 i = 0; i < leaves.length; ++i) leaves[i] = groupHash(keys[i], batch.groups[i]);
        bytes32 blobs = 0;
        if (batch.mode == BLOB) {
            bytes memory packed;
            for (uint256 i = 0; i < batch.blobs.length; ++i) {
                packed = abi.encodePacked(packed, versionedHashes[i], uint16(batch.blobs[i]));
            }
            blobs = keccak256(packed);
        }
        return keccak256(abi.encode(uint8(batch.mode), leaves.length, leavesRoot(leaves), blobs));
    }

    /// @notice Merkle root over the hashes of the leaves' chunks of 8.
    function leavesRoot(bytes32[] memory leaves) internal pure returns (bytes32) {
        bytes32[] memory chunks = new bytes32[]((leaves.length + 7) / 8);
        for (uint256 i = 0; i < chunks.length; ++i) {
            bytes memory chunk;
            for (uint256 j = 8 * i; j < 8 * i + 8 && j < leaves.length; ++j) chunk = bytes.concat(chunk, leaves[j]);
            chunks[i] = keccak256(chunk);
        }
        return merkleRoot(chunks);
    }

    /// @notice Merkle root over leaves in order, level by level in new arrays.
    function merkleRoot(bytes32[] memory leaves) internal pure returns (bytes32) {
        while (leaves.length > 1) {
            bytes32[] memory parents = new bytes32[]((leaves.length + 1) / 2);
            for (uint256 i = 0; i < parents.length; ++i) {
                parents[i] =
                    2 * i + 1 < leaves.length
                        ? keccak256(abi.encodePacked(leaves[2 * i], leaves[2 * i + 1]))
                        : leaves[2 * i];
            }
            leaves = parents;
        }
        return leaves[0];
    }

    /// @dev What is wrong with the mode and the lane.
    function _refusal(bytes calldata data) private pure returns (Fault) {
        if (data.length < 3) return Fault.Short;
        (uint256 mode, uint256 lane) = (uint8(data[0]), uint8(data[1]));
        if (mode != CALLDATA && mode != BLOB) return Fault.Mode;
        if (lane == ACKNOWLEDGED || lane == ATTESTED) return Fault.None;
        return lane == FORCED && mode == CALLDATA ? Fault.None : Fault.Lane;
    }

    /// @dev How many groups each blob holds, and all of them.
    function _blobs(
        bytes calldata data,
        Reader memory reader
    ) private pure returns (uint256[] memory groups, uint256 total) {
        uint256 count = uint8(data[reader.position]);
        reader.position += 1;
        if (count == 0 || count > MAX_BLOBS) {
            reader.fault = Fault.Blobs;
            return (groups, 0);
        }
        groups = new uint256[](count);
        for (uint256 i = 0; i < count; ++i) {
            groups[i] = _integer(data, reader, 2);
            if (reader.fault == Fault.None && groups[i] == 0) reader.fault = Fault.Blobs;
            total += groups[i];
        }
    }

    function _group(
        bytes calldata data,
        Reader memory reader,
        Batch memory batch
    ) private pure returns (Group memory group) {
        uint256 number = _integer(data, reader, 5);
        if (reader.fault == Fault.None && (number < reader.next || number >= 2 ** 38)) reader.fault = Fault.Stream;
        (group.deal, group.stream) = (number / STREAMS, number % STREAMS);
        uint256 place = _integer(data, reader, 4);
        // The group before it, if there is one, was of the stream next - 1.
        if (reader.next == 0 || (reader.next - 1) / STREAMS != group.deal) group.place = place;
        reader.next = number + 1;
        group.worker = _integer(data, reader, 5);
        group.first = _integer(data, reader, 3);
        uint256 added = _integer(data, reader, 2);
        group.count = group.first + added;
        if (reader.fault == Fault.None && (added == 0 || group.count >= 2 ** 24)) reader.fault = Fault.Count;
        group.units = _integer(data, reader, 5);
        if (batch.mode == BLOB) group.segment = bytes32(_take(data, reader, HASH));
        group.signature = _take(data, reader, SIGNATURE);
        if (batch.lane == ACKNOWLEDGED) group.acknowledgement = _take(data, reader, SIGNATURE);
        if (batch.mode == CALLDATA) _receipts(data, reader, group, added);
    }

    function _receipts(bytes calldata data, Reader memory reader, Group memory group, uint256 count) private pure {
        uint256 start = reader.position;
        // So that a huge count costs no memory.
        if (reader.fault == Fault.None && count > (data.length - start) / RECEIPT) reader.fault = Fault.CutOff;
        if (reader.fault != Fault.None) return;
        group.receipts = new Receipt[](count);
        for (uint256 i = 0; i < count; ++i) {
            group.receipts[i] = _receipt(data, reader);
            if (reader.fault != Fault.None) return;
        }
        group.segment = keccak256(data[start:reader.position]);
    }

    function _receipt(bytes calldata data, Reader memory reader) private pure returns (Receipt memory receipt) {
        receipt.units = _integer(data, reader, 3);
        if (reader.fault == Fault.None && receipt.units == 0) reader.fault = Fault.Units;
        receipt.workHash = bytes32(_take(data, reader, HASH));
    }

    /// @dev The next integer of `length` bytes, big-endian.
    function _integer(bytes calldata data, Reader memory reader, uint256 length) private pure returns (uint256 value) {
        bytes memory part = _take(data, reader, length);
        for (uint256 i = 0; i < part.length; ++i) value = value * 256 + uint8(part[i]);
    }

    /// @dev The next `length` bytes.
    function _take(bytes calldata data, Reader memory reader, uint256 length) private pure returns (bytes memory part) {
        if (reader.fault != Fault.None) return part;
        if (reader.position + length > data.length) {
            reader.fault = Fault.CutOff;
            return part;
        }
        part = data[reader.position:reader.position + length];
        reader.position += length;
    }

    function _refused(Fault fault) private pure returns (Batch memory batch) {
        batch.fault = fault;
    }
}
