// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

import {INets} from "../interfaces/INets.sol";
import {ISettlement} from "../interfaces/ISettlement.sol";
import {Mode, Outcome} from "../interfaces/ITypes.sol";
import {BatchLib} from "../libraries/BatchLib.sol";
import {FactsLib} from "../libraries/FactsLib.sol";
import {MessageLib} from "../libraries/MessageLib.sol";
import {NetTreeLib} from "../libraries/NetTreeLib.sol";
import {SignatureLib} from "../libraries/SignatureLib.sol";
import {CellLib} from "../types/Cell.sol";
import {Purse} from "../types/Purse.sol";
import {Terms} from "../types/Terms.sol";
import {NetDeals} from "./NetDeals.sol";
import {Records} from "./Records.sol";

/// @title NetForces
/// @notice Groups of netted deals that the provider's side brings itself: announced, and executed if no batch settles
/// them in time.
/// @dev Executing moves the net root, and with it the ground from under a batch that is on its way. So it happens in
/// the first five minutes of a quarter of an hour only: nobody can keep batches out by executing one force after the
/// other.
abstract contract NetForces is NetDeals, Records {
    /// @dev A group in calldata, see {BatchLib}.
    struct Forced {
        uint32 id;
        uint256 number;
        uint256 worker;
        uint256 first;
        uint256 count;
        uint256 units;
        uint256 receiptsAt;
        bytes32 segment;
    }

    uint256 private constant EXECUTING = 5 minutes;
    uint256 private constant FORGOTTEN = 7 days;
    uint256 private constant HOUR = 3600;

    /// @inheritdoc INets
    function announceForce(bytes calldata group, bytes calldata authority) external returns (uint32 index) {
        // As for `settle`: the receipts must stand where anyone can read them.
        // solhint-disable-next-line avoid-tx-origin
        require(msg.sender == tx.origin && msg.sender.code.length == 0, ISettlement.SettlementNotTopLevel(msg.sender));
        uint256 now_ = _touch();
        Forced memory forced = _read(group);
        Terms terms = _netTerms(forced.id);
        require(now_ < terms.end() + _head.closingPeriod, NetsRefused(Outcome.DealNotOpen));
        require(forced.number & 63 < terms.streams(), NetsRefused(Outcome.StreamOutOfRange));
        _requireTally(group, forced, terms, now_, authority);
        index = _enqueue(now_);
        _announced[index % QUEUE] = uint256(bytes32(_hash(index, _deals[forced.id].key, group))) | now_;
        emit ForceAnnounced(index, forced.id, uint8(forced.number & 63), uint32(now_));
    }

    /// @inheritdoc INets
    function executeForce(uint32 index, bytes calldata group, bytes calldata leaf, NetPath calldata path) external {
        uint256 now_ = _touch();
        Forced memory forced = _read(group);
        Terms terms = _netTerms(forced.id);
        bytes32 key = _deals[forced.id].key;
        _requireDue(index, _hash(index, key, group), now_);
        require(NetTreeLib.climb(NetTreeLib.hashOf(leaf), forced.id, path) == _netRoot, NetsBadPath());

        uint256 streams = terms.streams();
        uint256 stream = forced.number & 63;
        uint256 cell = NetTreeLib.cellAt(leaf, key, stream);
        uint256 before = cell & CellLib.MAX_UNITS;
        _requireNext(forced, cell);
        uint256 dealUnits = NetTreeLib.unitsOf(leaf, key, streams);
        (uint256 amount, Outcome outcome) = _pay(forced.id, terms, dealUnits, forced.units - before, now_);
        uint256 next = (forced.count << 40) | forced.units;
        bytes32 root = NetTreeLib.climb(keccak256(NetTreeLib.moved(leaf, key, streams, stream, next)), forced.id, path);
        _netRoot = root;
        _keep(forced, key, FactsLib.pack(uint256(outcome), cell >> 40, before, amount), now_);
        emit ForceExecuted(index, forced.id, uint8(stream), uint64(next), uint64(amount), root);
    }

    /// @notice Pays for `suffix` units of a deal that stood at `before`.
    /// @dev The buyer's netted money can be less only if members took from it for nothing.
    function _pay(
        uint32 id,
        Terms terms,
        uint256 before,
        uint256 suffix,
        uint256 now_
    ) private returns (uint256 amount, Outcome outcome) {
        Deal storage self = _deals[id];
        Purse purse = self.purse;
        uint256 price = terms.price();
        uint256 due = price * (before + suffix);
        outcome = due > purse.budget() ? Outcome.Clamped : Outcome.Applied;
        due = Math.min(due, purse.budget());
        require(due <= price * purse.allowance(), NetsRefused(Outcome.ExposureExceeded));
        uint256 index = _netBuyers[self.buyer].number - 1;
        uint256 netted = _nettedOf(index);
        amount = Math.min(due - Math.min(price * before, purse.budget()), netted);
        require(
            _tryCredit(terms.provider(), amount, now_ / DAY, _forcedDueUp(now_)),
            NetsRefused(Outcome.CoverageExceeded)
        );
        _setNetted(index, netted - amount);
    }

    function _keep(Forced memory forced, bytes32 key, uint256 record, uint256 now_) private {
        uint256 number = forced.number;
        bytes32 leaf = _tallyHash(forced, key);
        bytes27 chain = bytes27(
            keccak256(abi.encodePacked(bytes27(bytes32(_records[number])), leaf, uint128(record), uint32(now_)))
        );
        _records[number] = uint256(bytes32(chain)) | now_;
    }

    /// @dev The ring is full only when 2^16 groups were announced within a week and no batch looked at them.
    function _enqueue(uint256 now_) private returns (uint32 index) {
        NetHead memory head = _netHead;
        if (head.queueTo - head.queueFrom == QUEUE) {
            require(now_ >= uint32(_announced[head.queueFrom % QUEUE]) + FORGOTTEN, NetsQueueFull());
            _netHead.queueFrom = head.queueFrom + 1;
        }
        index = head.queueTo;
        _netHead.queueTo = index + 1;
    }

    /// @dev Everything that does not depend on where the stream stands: worker, signature, rate, and who announces.
    function _requireTally(
        bytes calldata group,
        Forced memory forced,
        Terms terms,
        uint256 now_,
        bytes calldata authority
    ) private view {
        uint256 span = Math.min(now_, terms.end()) - terms.openedAt();
        require(forced.units <= (terms.rateCap() * span) / HOUR, NetsRefused(Outcome.RateExceeded));
        (uint32 provider, address worker) = REGISTRY.workerAt(uint40(forced.worker));
        uint256 revokedFrom = REGISTRY.revokedFrom(uint40(forced.worker));
        require(
            provider == terms.provider() && (revokedFrom == 0 || now_ < revokedFrom),
            NetsRefused(Outcome.NotAWorker)
        );
        bytes32 key = _deals[forced.id].key;
        bytes32 hash = _tallyHash(forced, key);
        bytes32 domain = _domainSeparatorV4();
        address signer = SignatureLib.recover(
            MessageLib.digest(domain, hash),
            group[BatchLib.HEAD:BatchLib.HEAD + SignatureLib.SIZE]
        );
        require(signer != address(0) && signer == worker, NetsRefused(Outcome.BadSignature));
        if (authority.length == 0) signer = msg.sender;
        else {
            bytes32 root = keccak256(abi.encode(Mode.Net, 1, keccak256(abi.encode(hash)), bytes32(0)));
            signer = SignatureLib.recover(MessageLib.digest(domain, MessageLib.forceHash(root, msg.sender)), authority);
            if (signer == worker) return;
        }
        require(
            signer != address(0) && REGISTRY.isOperator(provider, signer),
            ISettlement.SettlementForceUnauthorized(provider, msg.sender)
        );
    }

    function _requireDue(uint32 index, bytes28 hash, uint256 now_) private view {
        uint256 word = _announced[index % QUEUE];
        require(bytes28(bytes32(word)) == hash, NetsNotAnnounced(index));
        uint256 from = uint32(word) + FORCE_DELAY;
        require(now_ >= from && now_ % INTERVAL < EXECUTING, NetsForceTooEarly(now_, from));
    }

    /// @dev The group continues its stream, and its receipts past the cursor make up the units that were signed.
    function _requireNext(Forced memory forced, uint256 cell) private pure {
        uint256 cursor = cell >> 40;
        require(forced.first <= cursor, NetsRefused(Outcome.Gap));
        require(cursor < forced.count, NetsRefused(Outcome.Stale));
        uint256 known = cursor - forced.first;
        uint256 suffix = BatchLib.sum(forced.receiptsAt + known * BatchLib.RECEIPT, forced.count - cursor);
        require((cell & CellLib.MAX_UNITS) + suffix == forced.units, NetsRefused(Outcome.UnitsMismatch));
    }

    function _read(bytes calldata group) private pure returns (Forced memory forced) {
        uint256 offset;
        assembly ("memory-safe") {
            offset := group.offset
        }
        uint256 head = BatchLib.word(offset);
        uint256 receipts = (head >> 104) & type(uint16).max;
        uint256 size = BatchLib.HEAD + SignatureLib.SIZE + receipts * BatchLib.RECEIPT;
        require(
            !BatchLib.isBadHead(head, 0) && group.length == size,
            ISettlement.SettlementMalformedBatch(group.length)
        );
        forced.number = head >> 216;
        forced.id = uint32(forced.number >> 6);
        forced.worker = (head >> 144) & type(uint40).max;
        forced.units = (head >> 64) & CellLib.MAX_UNITS;
        forced.first = (head >> 120) & CellLib.MAX_COUNT;
        forced.count = forced.first + receipts;
        forced.receiptsAt = offset + BatchLib.HEAD + SignatureLib.SIZE;
        require(
            BatchLib.sum(forced.receiptsAt, receipts) != BatchLib.MALFORMED,
            ISettlement.SettlementMalformedBatch(BatchLib.HEAD)
        );
        forced.segment = BatchLib.hash(forced.receiptsAt, receipts * BatchLib.RECEIPT);
    }

    /// @notice What the worker signed, before the domain, and the group's hash.
    function _tallyHash(Forced memory forced, bytes32 key) private pure returns (bytes32) {
        return MessageLib.tallyHash(key, forced.number & 63, forced.first, forced.count, forced.units, forced.segment);
    }

    /// @dev With the deal's key, as its id may be another deal's one day.
    function _hash(uint32 index, bytes32 key, bytes calldata group) private pure returns (bytes28) {
        return bytes28(keccak256(abi.encode(index, key, keccak256(group))));
    }
}
