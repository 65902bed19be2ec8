// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {BatchLib} from "../libraries/BatchLib.sol";
import {MerkleLib} from "../libraries/MerkleLib.sol";
import {TallyLib} from "../libraries/TallyLib.sol";
// Used in assembly only.
// solhint-disable-next-line no-unused-import
import {RUN_MEMORY_END} from "../types/Run.sol";
import {ReferenceBatchLib} from "../reference/ReferenceBatchLib.sol";

/// @title DecoderProbe
/// @notice Reads many batches in one call, with the settlement's libraries and the plain way. For tests only.
/// @dev A verdict is a digest of every field and of the Merkle root, deals' keys being zero, or why bytes are no batch.
contract DecoderProbe {
    /// @dev Where the reading with the settlement's libraries stands.
    struct Run {
        uint256 mode;
        uint256 lane;
        uint256 offset;
        uint256 end;
        uint256 next;
        bytes32 verdict;
    }

    bytes32 private constant MALFORMED = bytes32(uint256(ReferenceBatchLib.Fault.Short));
    bytes32 private constant BAD_MODE = bytes32(uint256(ReferenceBatchLib.Fault.Mode));
    bytes32 private constant BAD_LANE = bytes32(uint256(ReferenceBatchLib.Fault.Lane));
    bytes32 private constant CRASHED = bytes32(type(uint256).max);
    uint256 private constant SIGNATURE = 64;
    uint256 private constant MIN_GROUP = 120;
    uint256 private constant DIRT = 2048;

    /// @dev Code that trusts fresh memory to be zero shows.
    modifier dirtyMemory() {
        assembly ("memory-safe") {
            let free := mload(0x40)
            for {
                let at := free
            } lt(at, add(free, DIRT)) {
                at := add(at, 32)
            } {
                mstore(at, not(at))
            }
            mstore(0x00, not(0))
            mstore(0x20, not(0))
        }
        _;
    }

    /// @notice Verdicts over `count` batches.
    /// @param cases Of each batch: its length (4), length of what stands behind it (4), both.
    /// @return packed Of the settlement's libraries.
    /// @return plain Of the reference.
    function verdicts(
        bytes calldata cases,
        uint256 count
    ) external view returns (bytes32[] memory packed, bytes32[] memory plain) {
        (packed, plain) = (new bytes32[](count), new bytes32[](count));
        for (uint256 i = 0; i < count; ++i) {
            uint256 length = uint32(bytes4(cases[:4]));
            uint256 end = 8 + length + uint32(bytes4(cases[4:8]));
            // What stands behind a batch must not be read as part of it.
            bytes memory arguments = bytes.concat(bytes32(uint256(32)), bytes32(length), cases[8:end]);
            packed[i] = _ask(this.readPacked.selector, arguments);
            plain[i] = _ask(this.readPlain.selector, arguments);
            cases = cases[end:];
        }
    }

    /// @notice Verdict of the settlement's libraries.
    function readPacked(bytes calldata batch) external pure dirtyMemory returns (bytes32) {
        if (batch.length < 3) return MALFORMED;
        Run memory run = _begin(batch);
        if (run.mode > 1) return BAD_MODE;
        if (run.lane > 2 - run.mode) return BAD_LANE;
        (bool ok, uint256[] memory blobs, uint256 total) = _blobs(run);
        run.verdict = keccak256(abi.encodePacked(run.mode, run.lane, blobs.length, blobs));

        bytes32[] memory leaves = new bytes32[](batch.length / MIN_GROUP + 1);
        uint256 groups = 0;
        while (ok && run.offset < run.end) (ok, leaves[groups++]) = _group(run);
        if (!ok || groups == 0 || (run.mode == 1 && groups != total)) return MALFORMED;
        uint256 first;
        assembly ("memory-safe") {
            first := add(leaves, 0x20)
        }
        return keccak256(abi.encode(run.verdict, MerkleLib.chunkedRootInPlace(first, groups)));
    }

    /// @notice Verdict of the plain reading.
    function readPlain(bytes calldata data) external pure returns (bytes32 verdict) {
        ReferenceBatchLib.Batch memory batch = ReferenceBatchLib.decode(data);
        if (batch.fault != ReferenceBatchLib.Fault.None) return bytes32(uint256(batch.fault));
        verdict = keccak256(abi.encodePacked(batch.mode, batch.lane, batch.blobs.length, batch.blobs));
        bytes32[] memory leaves = new bytes32[](batch.groups.length);
        for (uint256 i = 0; i < leaves.length; ++i) {
            ReferenceBatchLib.Group memory group = batch.groups[i];
            leaves[i] = ReferenceBatchLib.groupHash(0, group);
            verdict = keccak256(
                abi.encode(
                    verdict,
                    group.deal,
                    group.stream,
                    group.place,
                    group.worker,
                    group.first,
                    group.count,
                    group.units,
                    group.segment,
                    keccak256(bytes.concat(group.signature, group.acknowledgement))
                )
            );
        }
        return keccak256(abi.encode(verdict, ReferenceBatchLib.leavesRoot(leaves)));
    }

    function _ask(bytes4 selector, bytes memory arguments) private view returns (bytes32) {
        // solhint-disable-next-line avoid-low-level-calls
        (bool ok, bytes memory answer) = address(this).staticcall(bytes.concat(selector, arguments));
        return ok && answer.length == 32 ? bytes32(answer) : CRASHED;
    }

    function _begin(bytes calldata batch) private pure returns (Run memory run) {
        // The memory that tallies are hashed in.
        assembly ("memory-safe") {
            if lt(mload(0x40), RUN_MEMORY_END) {
                mstore(0x40, RUN_MEMORY_END)
            }
        }
        (run.mode, run.lane) = (uint8(batch[0]), uint8(batch[1]));
        uint256 start;
        assembly ("memory-safe") {
            start := batch.offset
        }
        (run.offset, run.end) = (start + 2, start + batch.length);
        TallyLib.open(0);
    }

    /// @dev How many groups each blob holds, and all of them.
    function _blobs(Run memory run) private pure returns (bool ok, uint256[] memory groups, uint256 total) {
        if (run.mode == 0) return (true, groups, 0);
        uint256 count = BatchLib.word(run.offset++) >> 248;
        ok = count != 0 && count <= 6;
        groups = new uint256[](ok ? count : 0);
        for (uint256 i = 0; i < groups.length; ++i) {
            groups[i] = BatchLib.word(run.offset) >> 240;
            ok = ok && groups[i] != 0;
            total += groups[i];
            run.offset += 2;
        }
    }

    /// @dev The next group, read as the settlement reads it.
    function _group(Run memory run) private pure returns (bool ok, bytes32 leaf) {
        uint256 head = BatchLib.word(run.offset);
        if (BatchLib.isBadHead(head, run.next)) return (false, 0);
        uint256 place = uint32(head >> 184);
        if (run.next != 0 && (run.next - 1) >> 6 == head >> 222) place = 0; // not read
        run.next = (head >> 216) + 1;
        uint256 count = (head >> 104) & type(uint16).max;
        uint256 signatures = run.lane == 0 ? 2 * SIGNATURE : SIGNATURE;
        uint256 signatureAt = run.offset + BatchLib.HEAD;
        bytes32 segment;
        if (run.mode == 0) {
            uint256 from = signatureAt + signatures;
            run.offset = from + count * BatchLib.RECEIPT;
            if (run.offset > run.end) return (false, 0);
            if (BatchLib.sum(from, count) == BatchLib.MALFORMED) return (false, 0);
            segment = BatchLib.hash(from, count * BatchLib.RECEIPT);
        } else {
            segment = bytes32(BatchLib.word(signatureAt));
            signatureAt += 32;
            run.offset = signatureAt + signatures;
            if (run.offset > run.end) return (false, 0);
        }
        leaf = TallyLib.hash(head, segment);
        run.verdict = _digest(run.verdict, head, place, segment, BatchLib.hash(signatureAt, signatures));
        return (true, leaf);
    }

    function _digest(
        bytes32 verdict,
        uint256 head,
        uint256 place,
        bytes32 segment,
        bytes32 signatures
    ) private pure returns (bytes32) {
        uint256 first = (head >> 120) & type(uint24).max;
        uint256 count = first + ((head >> 104) & type(uint16).max);
        (uint256 deal, uint256 stream) = (head >> 222, (head >> 216) & 63);
        uint256 worker = uint40(head >> 144);
        uint256 units = (head >> 64) & type(uint40).max;
        return keccak256(abi.encode(verdict, deal, stream, place, worker, first, count, units, segment, signatures));
    }
}
