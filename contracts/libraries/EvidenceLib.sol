// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {MessageLib} from "./MessageLib.sol";
import {SignatureLib} from "./SignatureLib.sol";
import {WorkerPages} from "./WorkerPages.sol";

/// @title EvidenceLib
/// @notice Reads signed tallies and receipts from evidence in calldata, and says what no honest history has.
/// @dev Offsets are absolute calldata offsets. Reading past the evidence's end gives bytes of other arguments or zeros,
/// so callers check its length against where reading ended.
library EvidenceLib {
    /// @notice A signed tally. `at_` is where its signature stands.
    struct Tally {
        uint256 first;
        uint256 count;
        uint256 units;
        uint256 worker;
        uint256 at_;
        bytes32 segment;
        bytes32 hash;
    }

    /// @notice One receipt of a signed tally.
    struct Receipt {
        uint256 deal;
        uint256 stream;
        uint256 index;
        uint256 units;
        bytes32 workHash;
        bytes32 taskHash;
        uint256 startedAt;
        uint256 endedAt;
        Tally tally;
    }

    /// @notice Bytes of a tally without its segment.
    uint256 internal constant TALLY = 80;
    /// @notice Bytes of a tally with its segment.
    uint256 internal constant TALLY_AND_SEGMENT = 112;
    /// @notice Bytes of a receipt within its segment.
    uint256 internal constant RECEIPT = 35;
    /// @notice No receipt.
    uint256 internal constant NONE = type(uint256).max;
    uint256 private constant HEAD = 16; // first, count, units, worker

    /// @notice Signer of a tally's hash; zero if there is none.
    function signerOf(Tally memory tally, bytes32 domain) internal view returns (address) {
        return SignatureLib.recoverAt(MessageLib.digest(domain, tally.hash), tally.at_);
    }

    /// @notice Whose worker stands under an index, and its key.
    function workerAt(address registry, uint256 worker) internal view returns (uint256 provider, address key) {
        address page = WorkerPages.addressOf(registry, worker / WorkerPages.ROWS);
        return WorkerPages.memberAt(page, worker % WorkerPages.ROWS);
    }

    /// @notice `first (3) ‖ count (3) ‖ units (5) ‖ worker (5) ‖ signature (64) ‖ segment (32)`, hashed for a stream.
    function readTally(bytes32 key, uint256 stream, uint256 offset) internal pure returns (Tally memory tally) {
        tally = _readHead(offset);
        tally.segment = bytes32(_word(offset + TALLY));
        _hash(tally, key, stream);
    }

    /// @notice The same without a segment, which is that of the receipts that stand from `receiptsAt` on.
    /// @return tally The tally.
    /// @return next Offset behind its receipts.
    function readTallyOf(
        bytes32 key,
        uint256 stream,
        uint256 offset,
        uint256 receiptsAt
    ) internal pure returns (Tally memory tally, uint256 next) {
        tally = _readHead(offset);
        uint256 size = tally.count > tally.first ? RECEIPT * (tally.count - tally.first) : 0;
        tally.segment = hashOf(receiptsAt, size);
        _hash(tally, key, stream);
        next = receiptsAt + size;
    }

    /// @notice Deal id and stream with which a receipt begins.
    function placeOf(uint256 offset) internal pure returns (uint256 deal, uint256 stream) {
        uint256 word = _word(offset);
        return (word >> 224, (word >> 216) & 0xff);
    }

    /// @notice A receipt with its tally and what its work hash is of, see {IFaults}.
    /// @dev A receipt outside of its tally, or of another work hash, has `units` 0.
    /// @return receipt The receipt.
    /// @return next Offset behind it.
    function readReceipt(bytes32 key, uint256 offset) internal pure returns (Receipt memory receipt, uint256 next) {
        (receipt.deal, receipt.stream) = placeOf(offset);
        uint256 workAt = offset + 5 + TALLY;
        receipt.index = _word(workAt) >> 232;
        receipt.taskHash = bytes32(_word(workAt + 3));
        uint256 times = _word(workAt + 67);
        (receipt.startedAt, receipt.endedAt) = (times >> 192, (times >> 128) & type(uint64).max);
        uint256 receiptsAt = workAt + 83;
        (receipt.tally, next) = readTallyOf(key, receipt.stream, offset + 5, receiptsAt);
        if (receipt.index < receipt.tally.first || receipt.index >= receipt.tally.count) return (receipt, next);
        uint256 at_ = receiptsAt + RECEIPT * (receipt.index - receipt.tally.first);
        receipt.workHash = bytes32(_word(at_ + 3));
        bytes32 work = keccak256(abi.encode(receipt.taskHash, _word(workAt + 35), receipt.startedAt, receipt.endedAt));
        if (work == receipt.workHash) receipt.units = _word(at_) >> 232;
    }

    /// @notice What names a receipt, whatever tally shows it.
    function receiptHash(bytes32 key, Receipt memory receipt) internal pure returns (bytes32) {
        return keccak256(abi.encode(key, receipt.stream, receipt.index, receipt.units, receipt.workHash));
    }

    /// @notice What a vault's case and a commitment name.
    /// @param index First receipt of the stream that the fault makes void.
    /// @param detail Hash of what was signed.
    function evidenceOf(uint256 index, bytes32 detail) internal pure returns (bytes32) {
        return keccak256(abi.encode(index, detail));
    }

    /// @notice First receipt that two tallies of one stream which no one history has make void, by their numbers alone;
    /// NONE if one history can have both.
    /// @dev Of a history every tally has the units after its last receipt, and each receipt has units. Two tallies of
    /// different ranges and of segments that were not shown say nothing else of each other.
    function conflict(Tally memory a, Tally memory b) internal pure returns (uint256 index) {
        bool isOther =
            a.count == b.count
                ? a.units != b.units || (a.first == b.first && a.segment != b.segment)
                : (a.count > b.count) == (a.units < b.units) && a.units != b.units;
        if (!isOther) return NONE;
        return a.first < b.first ? a.first : b.first;
    }

    /// @notice Whether receipt `index` is the first in which two tallies differ whose receipts stand from `aAt` and
    /// from
    /// `bAt` on.
    function differAt(
        Tally memory a,
        uint256 aAt,
        Tally memory b,
        uint256 bAt,
        uint256 index
    ) internal pure returns (bool) {
        uint256 from = a.first > b.first ? a.first : b.first;
        if (index < from || index >= a.count || index >= b.count) return false;
        aAt += RECEIPT * (from - a.first);
        bAt += RECEIPT * (from - b.first);
        uint256 before = RECEIPT * (index - from);
        return
            hashOf(aAt, before) == hashOf(bAt, before) &&
            hashOf(aAt + before, RECEIPT) != hashOf(bAt + before, RECEIPT);
    }

    /// @notice keccak256 of `size` bytes.
    function hashOf(uint256 offset, uint256 size) internal pure returns (bytes32 result) {
        // Scratch: from the free memory pointer on, not reserved.
        assembly ("memory-safe") {
            let at := mload(0x40)
            calldatacopy(at, offset, size)
            result := keccak256(at, size)
        }
    }

    function _readHead(uint256 offset) private pure returns (Tally memory tally) {
        uint256 word = _word(offset);
        tally.first = word >> 232;
        tally.count = (word >> 208) & 0xffffff;
        tally.units = (word >> 168) & type(uint40).max;
        tally.worker = (word >> 128) & type(uint40).max;
        tally.at_ = offset + HEAD;
    }

    function _hash(Tally memory tally, bytes32 key, uint256 stream) private pure {
        tally.hash = MessageLib.tallyHash(key, stream, tally.first, tally.count, tally.units, tally.segment);
    }

    function _word(uint256 offset) private pure returns (uint256 word) {
        assembly ("memory-safe") {
            word := calldataload(offset)
        }
    }
}
