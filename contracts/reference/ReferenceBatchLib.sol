// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

/// @title ReferenceBatchLib
/// @notice Reads a batch the plain way: no assembly, no packing, every rule of docs/protocol.md in its own line.
/// @dev For tests only; the settlement's own reading is run against this one.
library ReferenceBatchLib {
    /// @notice Why bytes are no batch.
    enum Fault {
        None,
        Short,
        Mode,
        Lane,
        Number,
        Stream,
        Count,
        Receipts
    }

    /// @notice One finished task.
    struct Receipt {
        uint256 units;
        bytes32 workHash;
    }

    /// @notice One group, with the bytes of its receipts as they stand.
    struct Group {
        uint256 deal;
        uint256 stream;
        uint256 worker;
        uint256 first;
        uint256 count;
        bytes signature;
        bytes acknowledgement;
        bytes segment;
        Receipt[] receipts;
    }

    /// @notice A batch, or what is wrong with it.
    struct Batch {
        Fault fault;
        uint256 lane;
        Group[] groups;
    }

    /// @dev Where the reader stands; `fault` stays None while all is well.
    struct Reader {
        bytes data;
        uint256 position;
        Fault fault;
    }

    /// @notice Reads a whole batch.
    function decode(bytes memory data) internal pure returns (Batch memory batch) {
        if (data.length < 3) return _refused(Fault.Short);
        if (uint8(data[0]) != 0) return _refused(Fault.Mode);
        if (uint8(data[1]) > 2) return _refused(Fault.Lane);
        batch.lane = uint8(data[1]);
        Reader memory reader = Reader(data, 2, Fault.None);
        Group[] memory found = new Group[](data.length);
        uint256 count = 0;
        uint256 next = 0; // lowest stream number the next group may have
        while (reader.position < data.length) {
            uint256 number = next + _varint(reader, 48);
            if (reader.fault == Fault.None && number >= 2 ** 38) reader.fault = Fault.Stream;
            next = number + 1;
            found[count] = _group(reader, batch.lane, number);
            if (reader.fault != Fault.None) return _refused(reader.fault);
            ++count;
        }
        batch.groups = new Group[](count);
        for (uint256 i = 0; i < count; ++i) batch.groups[i] = found[i];
    }

    /// @notice Reads one canonical LEB128 number.
    /// @return value The number; 0 if it is refused.
    /// @return size Its bytes; 0 if it is not canonical, cut off or longer than 7 bytes.
    function varint(bytes memory data) internal pure returns (uint256 value, uint256 size) {
        Reader memory reader = Reader(data, 0, Fault.None);
        value = _varint(reader, 49);
        return reader.fault == Fault.None ? (value, reader.position) : (0, 0);
    }

    /// @notice Reads `count` receipts from the front.
    /// @return ok False if the bytes are no such receipts.
    /// @return size Bytes they take.
    /// @return units Sum of their units.
    function scan(bytes memory data, uint256 count) internal pure returns (bool ok, uint256 size, uint256 units) {
        Reader memory reader = Reader(data, 0, Fault.None);
        for (uint256 i = 0; i < count; ++i) {
            units += _receipt(reader).units;
            if (reader.fault != Fault.None) return (false, 0, 0);
        }
        return (true, reader.position, units);
    }

    /// @notice Leaf of a group in its batch's tree.
    function groupHash(bytes32 key, Group memory group) internal pure returns (bytes32) {
        return keccak256(abi.encode(key, group.stream, group.first, group.count, keccak256(group.segment)));
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

    function _group(Reader memory reader, uint256 lane, uint256 number) private pure returns (Group memory group) {
        (group.deal, group.stream) = (number / 64, number % 64);
        group.worker = _varint(reader, 32);
        group.first = _varint(reader, 32);
        uint256 added = _varint(reader, 32);
        group.count = group.first + added;
        if (reader.fault != Fault.None) return group;
        if (added == 0 || group.count >= 2 ** 32) {
            reader.fault = Fault.Count;
            return group;
        }
        group.signature = _take(reader, 64);
        if (lane == 0) group.acknowledgement = _take(reader, 64);
        uint256 start = reader.position;
        // No more receipts than bytes are left, so that a huge count costs no memory.
        if (added > reader.data.length) reader.fault = Fault.Receipts;
        if (reader.fault != Fault.None) return group;
        group.receipts = new Receipt[](added);
        for (uint256 i = 0; i < added; ++i) {
            group.receipts[i] = _receipt(reader);
            if (reader.fault != Fault.None) return group;
        }
        uint256 end = reader.position;
        reader.position = start;
        group.segment = _take(reader, end - start);
    }

    function _receipt(Reader memory reader) private pure returns (Receipt memory receipt) {
        receipt.units = _varint(reader, 48);
        bytes memory workHash = _take(reader, 32);
        if (reader.fault != Fault.None || receipt.units == 0) {
            reader.fault = Fault.Receipts;
            return receipt;
        }
        receipt.workHash = abi.decode(workHash, (bytes32));
    }

    function _varint(Reader memory reader, uint256 bits) private pure returns (uint256 value) {
        if (reader.fault != Fault.None) return 0;
        for (uint256 i = 0; i < 7; ++i) {
            if (reader.position >= reader.data.length) break;
            uint8 digit = uint8(reader.data[reader.position]);
            reader.position += 1;
            value += uint256(digit % 128) * 128 ** i;
            if (digit >= 128) continue;
            bool redundant = digit == 0 && i > 0;
            if (redundant || value >= 2 ** bits) break;
            return value;
        }
        reader.fault = Fault.Number;
        return 0;
    }

    function _take(Reader memory reader, uint256 length) private pure returns (bytes memory part) {
        if (reader.fault == Fault.None && reader.position + length > reader.data.length) reader.fault = Fault.Receipts;
        if (reader.fault != Fault.None) return part;
        part = new bytes(length);
        for (uint256 i = 0; i < length; ++i) part[i] = reader.data[reader.position + i];
        reader.position += length;
    }

    function _refused(Fault fault) private pure returns (Batch memory batch) {
        batch.fault = fault;
    }
}
