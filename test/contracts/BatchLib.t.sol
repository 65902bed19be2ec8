// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {LibraryProbe} from "../../contracts/mocks/LibraryProbe.sol";
import {ReferenceBatchLib} from "../../contracts/reference/ReferenceBatchLib.sol";
import {Probe} from "./support/Probe.sol";

/// @notice Library by library, the settlement's reading of bytes against the plain one.
contract BatchLibTest is Probe {
    LibraryProbe private _libraries;

    uint256 private constant MALFORMED = type(uint256).max;

    function setUp() public {
        _libraries = new LibraryProbe();
    }

    function testFuzz_VarintReadsWhatTheReferenceReads(uint256 word, uint8 length) public view {
        // few high bits, so that short and long numbers both come up
        bytes memory data = abi.encodePacked(word);
        if (length % 4 == 0) for (uint256 i = 0; i < length % 8; ++i) data[i] = bytes1(uint8(data[i]) | 0x80);
        if (length % 4 == 1) data[length % 9] = 0;
        _sameVarint(data);
    }

    function testFuzz_VarintReadsBackEveryNumber(uint256 value) public view {
        value = _within(value, 0, 2 ** 49 - 1);
        bytes memory data = _varint(value);
        (uint256 read, uint256 size) = _libraries.varint(abi.encodePacked(data, bytes32(value)));
        vm.assertEq(read, value, "value");
        vm.assertEq(size, data.length, "size");
    }

    function testFuzz_ScanMeasuresWhatTheReferenceMeasures(
        uint64[8] memory units,
        uint256 wound,
        uint8 count
    ) public view {
        bytes memory data;
        for (uint256 i = 0; i < units.length; ++i) {
            uint256 value = uint256(units[i]) >> (16 + ((wound >> (4 * i)) % 48));
            data = abi.encodePacked(data, _varint(value == 0 ? 1 : value), keccak256(abi.encode(i, wound)));
        }
        if (wound % 3 == 0) data[(wound >> 64) % data.length] = bytes1(uint8(wound >> 128));
        if (wound % 5 == 0) data[0] = bytes1(uint8(data[0]) | 0x80);
        _sameScan(data, count % 10);
    }

    function testFuzz_HashCoversExactlyTheScannedBytes(uint48[6] memory units, uint256 salt, uint8 skip) public view {
        bytes memory data;
        for (uint256 i = 0; i < units.length; ++i) {
            data = abi.encodePacked(data, _varint(units[i] == 0 ? 1 : units[i]), keccak256(abi.encode(i, salt)));
        }
        (uint256 size, bytes32 result) = _libraries.scanHash(abi.encodePacked(data, salt), skip % 7, 6);
        vm.assertEq(size, data.length, "size");
        vm.assertEq(result, keccak256(data), "hash");
    }

    function testFuzz_RootEqualsTheReference(bytes32 seed, uint8 count) public view {
        bytes32[] memory leaves = new bytes32[](_within(count, 1, 130));
        for (uint256 i = 0; i < leaves.length; ++i) leaves[i] = keccak256(abi.encode(seed, i));
        vm.assertEq(_libraries.root(leaves), ReferenceBatchLib.merkleRoot(leaves), "root");
    }

    function _sameVarint(bytes memory data) private view {
        (uint256 value, uint256 size) = _libraries.varint(data);
        (uint256 expected, uint256 expectedSize) = ReferenceBatchLib.varint(data);
        vm.assertEq(size, expectedSize, "varint size");
        if (size != 0) vm.assertEq(value, expected, "varint value");
    }

    function _sameScan(bytes memory data, uint256 count) private view {
        (uint256 size, uint256 units) = _libraries.scan(data, count);
        (bool ok, uint256 expectedSize, uint256 expectedUnits) = ReferenceBatchLib.scan(data, count);
        // The library reads zeros past the end and leaves the bound to its caller.
        bool accepted = size != MALFORMED && size <= data.length;
        vm.assertTrue(accepted == ok, "acceptance");
        if (!ok) return;
        vm.assertEq(size, expectedSize, "size");
        vm.assertEq(units, expectedUnits, "units");
    }

    function _varint(uint256 value) private pure returns (bytes memory data) {
        while (value >= 128) {
            data = abi.encodePacked(data, uint8((value % 128) + 128));
            value /= 128;
        }
        return abi.encodePacked(data, uint8(value));
    }
}
