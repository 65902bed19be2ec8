// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

import {NetOpenings} from "./base/NetOpenings.sol";
import {INetProofs} from "./interfaces/INetProofs.sol";
import {IRegistry} from "./interfaces/IRegistry.sol";
import {ITallystick} from "./interfaces/ITallystick.sol";
import {Mode} from "./interfaces/ITypes.sol";
import {BlobLib} from "./libraries/BlobLib.sol";
import {MessageLib} from "./libraries/MessageLib.sol";
import {NetBatchLib} from "./libraries/NetBatchLib.sol";
import {NetRecordLib} from "./libraries/NetRecordLib.sol";
import {NetTreeLib} from "./libraries/NetTreeLib.sol";
import {Purse} from "./types/Purse.sol";
import {Terms} from "./types/Terms.sol";

/// @title NetProofs
/// @notice See {INetProofs}.
/// @dev Holds nothing and may be deployed by anyone. What the chain knows of a deal is judged as it is now: its price
/// and budget never change, its allowance only grows, its end and a worker's revocation never come to lie before a time
/// that has passed. So nothing that was right becomes a fault.
contract NetProofs is NetOpenings {
    /// @dev What is known of a deal that was there.
    struct Facts {
        bytes32 key;
        Terms terms;
        Purse purse;
        address buyer;
    }

    bytes32 private constant DOMAIN_TYPEHASH = keccak256(
        "EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"
    );
    bytes32 private constant NAME_HASH = keccak256("Tallystick");
    bytes32 private constant VERSION_HASH = keccak256("1");
    uint256 private constant HOUR = 3600;
    uint256 private constant RECEIPT = 35;
    /// @dev No closed deal's id is given to another one sooner, see the bounds of the parameters.
    uint256 private constant MIN_RETENTION = 2 days;

    /// @dev Kinds of records, see {Harm}.
    uint256 private constant GROUP_RECORD = 1 << 32;
    uint256 private constant DEAL_RECORD = 2 << 32;
    uint256 private constant BUYERS_NET = 3 << 32;

    IRegistry private immutable _REGISTRY;

    constructor(ITallystick settlement) NetOpenings(settlement) {
        _REGISTRY = IRegistry(settlement.REGISTRY());
    }

    /// @inheritdoc INetProofs
    function proveMalformed(
        NetBatch calldata batch,
        Side side,
        Record calldata record
    ) external view returns (bytes32 root, Fault fault, Harm memory harm) {
        NetBatchLib.Head memory head;
        (root, head) = _openBatch(batch);
        uint256 count = record.elements.length;
        uint256 most = side == Side.Providers ? GROUP_ELEMENTS : DEAL_ELEMENTS;
        require(count != 0 && count <= most, NetProofsIncomplete());
        _openRecord(batch, head, side, record, count);
        _require(uint256(record.elements[count - 1]) >> 248 != 0);
        return (root, Fault.Malformed, harm);
    }

    /// @inheritdoc INetProofs
    function proveStep(
        NetBatch calldata batch,
        Side side,
        Record calldata before,
        Record calldata record
    ) external view returns (bytes32 root, Fault fault, Harm memory harm) {
        NetBatchLib.Head memory head;
        (root, head) = _openBatch(batch);
        uint256 count = record.elements.length;
        require(count == 1 || (count == 2 && side == Side.Providers), NetProofsIncomplete());
        (uint256 whose, uint256 key, uint256 amount, uint256 total) = _openKey(batch, head, side, record, count);
        if (record.index == 0) {
            _require(total != amount);
            return (root, Fault.Total, _harmOfTotal(batch, head, side, record, Math.saturatingSub(total, amount)));
        }
        _requireNext(before, record);
        (uint256 lastWhose, uint256 lastKey, , uint256 lastTotal) = _openKey(batch, head, side, before, count);
        if (whose < lastWhose || (whose == lastWhose && key <= lastKey)) {
            return (root, Fault.Order, _harmOfTotal(batch, head, side, record, amount));
        }
        amount += whose == lastWhose ? lastTotal : 0;
        if (total != amount) {
            return (root, Fault.Total, _harmOfTotal(batch, head, side, record, Math.saturatingSub(total, amount)));
        }
        _require(count == 2 && _isWrongDealUnits(before, record));
        return (root, Fault.Total, harm);
    }

    /// @inheritdoc INetProofs
    function proveNet(
        NetBatch calldata batch,
        Side side,
        Record calldata last,
        Record calldata next,
        uint256 net
    ) external view returns (bytes32 root, Fault fault, Harm memory harm) {
        NetBatchLib.Head memory head;
        (root, head) = _openBatch(batch);
        (uint256 whose, , , uint256 total) = _openKey(batch, head, side, last, 1);
        if (last.index + 1 < _records(head, side)) {
            _requireNext(last, next);
            (uint256 other, , , ) = _openKey(batch, head, side, next, 1);
            require(other != whose, NetProofsWrongRecords());
        }
        uint256 nets = _nets(head, side);
        if (net < nets) {
            (uint256 owner, uint256 amount) = _netAt(batch, head, side, net);
            if (owner == whose) {
                _require(amount != total);
                return (root, Fault.Net, _harmOfNet(batch, head, side, net, Math.saturatingSub(amount, total)));
            }
            require(owner > whose, NetProofsWrongRecords());
        }
        if (net != 0) {
            (uint256 owner, ) = _netAt(batch, head, side, net - 1);
            require(net <= nets && owner < whose, NetProofsWrongRecords());
        }
        return (root, Fault.NoNet, harm);
    }

    /// @inheritdoc INetProofs
    function proveNoRecord(
        NetBatch calldata batch,
        Side side,
        uint256 net,
        Record calldata before,
        Record calldata next
    ) external view returns (bytes32 root, Fault fault, Harm memory harm) {
        NetBatchLib.Head memory head;
        (root, head) = _openBatch(batch);
        uint256 records = _records(head, side);
        require(net < _nets(head, side) && next.index <= records, NetProofsWrongRecords());
        (uint256 owner, ) = _netAt(batch, head, side, net);
        if (next.index != 0) {
            _requireNext(before, next);
            (uint256 lower, , , ) = _openKey(batch, head, side, before, 1);
            _require(lower < owner);
        }
        if (next.index != records) {
            (uint256 higher, , , ) = _openKey(batch, head, side, next, 1);
            _require(higher > owner);
        }
        return (root, Fault.NoRecord, _harmOfNet(batch, head, side, net, type(uint64).max));
    }

    /// @inheritdoc INetProofs
    function proveGroup(
        NetBatch calldata batch,
        Record calldata group
    ) external view returns (bytes32 root, Fault fault, Harm memory harm) {
        NetBatchLib.Head memory head;
        (root, head) = _openBatch(batch);
        NetRecordLib.Group memory self = _openGroup(batch, head, group, GROUP_ELEMENTS);
        (Facts memory facts, bool there) = _factsAt(self.number >> 6, batch.time);
        if (!there) return (root, Fault.NoDeal, harm);
        harm = _harmOfGroup(batch, head, group.index, self, facts);
        if (facts.terms.provider() != self.provider) return (root, Fault.Provider, harm);
        if (self.number & 63 >= facts.terms.streams()) return (root, Fault.Stream, harm);
        if (self.first > self.cursor || self.cursor >= self.count) return (root, Fault.Cursor, harm);
        if (self.units < self.unitsBefore + (self.count - self.cursor)) return (root, Fault.Cursor, harm);
        uint256 span = Math.min(batch.time, facts.terms.end()) - facts.terms.openedAt();
        if (self.units > (facts.terms.rateCap() * span) / HOUR) return (root, Fault.Rate, harm);
        if (_due(facts, self.dealUnits) > facts.terms.price() * facts.purse.allowance())
            return (root, Fault.Exposure, harm);
        return (root, _judgeAmount(self, facts, batch.time, harm), harm);
    }

    /// @inheritdoc INetProofs
    function proveState(
        NetBatch calldata batch,
        Record calldata before,
        Record calldata group,
        State calldata state
    ) external view returns (bytes32 root, Fault fault, Harm memory harm) {
        NetBatchLib.Head memory head;
        (root, head) = _openBatch(batch);
        NetRecordLib.Group memory self = _openGroup(batch, head, group, 2);
        Facts memory facts = _requireFacts(self.number >> 6, batch.time);
        _requireState(state, self.number >> 6, batch.previous);
        harm = _harmOfGroup(batch, head, group.index, self, facts);
        uint256 cell = NetTreeLib.cellAt(state.leaf, facts.key, self.number & 63);
        if (cell != ((self.cursor << 40) | self.unitsBefore)) return (root, Fault.State, harm);
        if (group.index != 0) {
            _requireNext(before, group);
            NetRecordLib.Group memory last = _openGroup(batch, head, before, 1);
            require(last.number >> 6 != self.number >> 6, NetProofsWrongRecords());
        }
        uint256 units = NetTreeLib.unitsOf(state.leaf, facts.key, facts.terms.streams());
        _require(self.dealUnits + self.unitsBefore != units + self.units);
        return (root, Fault.State, harm);
    }

    /// @inheritdoc INetProofs
    function proveLink(
        NetBatch calldata batch,
        Record calldata group,
        Record calldata deal
    ) external view returns (bytes32 root, Fault fault, Harm memory harm) {
        NetBatchLib.Head memory head;
        (root, head) = _openBatch(batch);
        NetRecordLib.Group memory self = _openGroup(batch, head, group, 2);
        if (self.deal >= head.deals) return (root, Fault.Link, harm);
        require(deal.index == self.deal, NetProofsWrongRecords());
        NetRecordLib.Deal memory other = _openDeal(batch, head, deal, 1);
        _require(other.id != self.number >> 6 || group.index < other.first || group.index > other.last);
        return (root, Fault.Link, harm);
    }

    /// @inheritdoc INetProofs
    function proveDeal(
        NetBatch calldata batch,
        Record calldata deal,
        Record calldata first,
        Record calldata last
    ) external view returns (bytes32 root, Fault fault, Harm memory harm) {
        NetBatchLib.Head memory head;
        (root, head) = _openBatch(batch);
        NetRecordLib.Deal memory self = _openDeal(batch, head, deal, 1);
        harm = _harmTo(batch, head, DEAL_RECORD + deal.index, self.buyer, self.amount);
        (Facts memory facts, bool there) = _factsAt(self.id, batch.time);
        if (!there) return (root, Fault.NoDeal, harm);
        (uint32 buyer, , , ) = SETTLEMENT.netBuyer(facts.buyer);
        if (buyer != self.buyer) return (root, Fault.Buyer, harm);
        if (self.first > self.last || self.last >= head.groups) return (root, Fault.Link, harm);
        require(first.index == self.first && last.index == self.last, NetProofsWrongRecords());
        NetRecordLib.Group memory from = _openGroup(batch, head, first, 2);
        NetRecordLib.Group memory to = _openGroup(batch, head, last, 2);
        if (from.number >> 6 != self.id || to.number >> 6 != self.id) return (root, Fault.Link, harm);
        // where the first group's own figures do not fit each other, that is a fault of its own
        uint256 before = Math.saturatingSub(from.dealUnits + from.unitsBefore, from.units);
        uint256 right = Math.saturatingSub(_due(facts, to.dealUnits), _due(facts, before));
        _require(self.amount != right);
        harm.amount = uint64(Math.saturatingSub(self.amount, right));
        return (root, Fault.Amount, harm);
    }

    /// @inheritdoc INetProofs
    function proveRoot(
        NetBatch calldata batch,
        Record calldata before,
        Record calldata deal,
        Record[] calldata groups,
        State calldata state
    ) external view returns (bytes32 root, Fault fault, Harm memory harm) {
        NetBatchLib.Head memory head;
        (root, head) = _openBatch(batch);
        NetRecordLib.Deal memory self = _openDeal(batch, head, deal, DEAL_ELEMENTS);
        if (deal.index + 1 == head.deals && self.root != head.root) return (root, Fault.Root, harm);
        bytes32 from = batch.previous;
        if (deal.index != 0) {
            _requireNext(before, deal);
            from = _openDeal(batch, head, before, DEAL_ELEMENTS).root;
        }
        _requireState(state, self.id, from);
        Facts memory facts = _requireFacts(self.id, batch.time);
        bytes memory leaf = _movedBy(batch, head, self, facts, groups, state.leaf);
        _require(self.root != NetTreeLib.climb(keccak256(leaf), self.id, state.path));
        return (root, Fault.Root, harm);
    }

    /// @inheritdoc INetProofs
    function proveReceipts(
        NetBatch calldata batch,
        Record calldata group,
        uint256 skip,
        bytes32[] calldata elements,
        bytes calldata proofs
    ) external view returns (bytes32 root, Fault fault, Harm memory harm) {
        NetBatchLib.Head memory head;
        (root, head) = _openBatch(batch);
        NetRecordLib.Group memory self = _openGroup(batch, head, group, 3);
        require(self.count > self.first, NetProofsWrongRecords()); // a fault of its own
        (Facts memory facts, bool there) = _factsAt(self.number >> 6, batch.time);
        if (there) harm = _harmOfGroup(batch, head, group.index, self, facts);
        uint256 length = RECEIPT * (self.count - self.first);
        uint256 count = BlobLib.elementsFor(length);
        (uint256 blob, ) = _placeOf(batch, head, Side.Providers, group.index);
        if (count > BlobLib.MAX_GROUP_ELEMENTS || !_isPlace(batch, blob, self.start, count))
            return (root, Fault.Place, harm);
        require(elements.length != 0 && skip + elements.length <= count, NetProofsIncomplete());
        _openElements(batch.versionedHashes[blob], group.commitment, self.start + skip, elements, proofs);
        for (uint256 i = 0; i < elements.length; ++i) {
            if (!BlobLib.isCanonical(elements[i], skip + i, length)) return (root, Fault.Receipts, harm);
        }
        require(elements.length == count, NetProofsIncomplete());
        _require(BlobLib.hash(elements, length) != self.segment);
        return (root, Fault.Receipts, harm);
    }

    /// @dev The deal's streams as its groups leave them.
    function _movedBy(
        NetBatch calldata batch,
        NetBatchLib.Head memory head,
        NetRecordLib.Deal memory deal,
        Facts memory facts,
        Record[] calldata groups,
        bytes calldata leaf
    ) private view returns (bytes memory) {
        uint256 streams = facts.terms.streams();
        uint256[] memory cells = new uint256[](streams);
        for (uint256 i = 0; i < streams; ++i) cells[i] = NetTreeLib.cellAt(leaf, facts.key, i);
        bool all = deal.first <= deal.last && groups.length == deal.last - deal.first + 1;
        require(all, NetProofsWrongRecords());
        for (uint256 i = 0; i < groups.length; ++i) {
            require(groups[i].index == deal.first + i, NetProofsWrongRecords());
            NetRecordLib.Group memory group = _openGroup(batch, head, groups[i], 1);
            bool fits = group.number >> 6 == deal.id && group.number & 63 < streams;
            require(fits, NetProofsWrongRecords()); // a fault of its own
            cells[group.number & 63] = (group.count << 40) | group.units;
        }
        return NetTreeLib.encode(facts.key, cells);
    }

    /// @dev A group's amount should not have been paid, by its deal's buyer to whom the group says.
    function _harmOfGroup(
        NetBatch calldata batch,
        NetBatchLib.Head memory head,
        uint256 index,
        NetRecordLib.Group memory self,
        Facts memory facts
    ) private view returns (Harm memory harm) {
        (uint32 buyer, , , ) = SETTLEMENT.netBuyer(facts.buyer);
        harm = _harmTo(batch, head, GROUP_RECORD + index, buyer, self.amount);
        harm.provider = uint32(self.provider);
        harm.received = uint64(_netOf(batch, head, Side.Providers, self.provider));
    }

    /// @dev What is wrong with a group's amount, worker or signature. Where its worker did sign, only the excess of the
    /// amount is harm.
    function _judgeAmount(
        NetRecordLib.Group memory self,
        Facts memory facts,
        uint256 time,
        Harm memory harm
    ) private view returns (Fault) {
        (Fault fault, bool unsigned) = _judgeTally(self, facts.key, time);
        (uint256 right, bool known) = _rightAmount(self, facts);
        if (known && self.amount == right) {
            _require(unsigned);
            return fault;
        }
        if (!unsigned) harm.amount = uint64(Math.saturatingSub(self.amount, right));
        return Fault.Amount;
    }

    /// @dev What is wrong with a group's worker or its signature, and whether anything is.
    function _judgeTally(
        NetRecordLib.Group memory self,
        bytes32 key,
        uint256 time
    ) private view returns (Fault, bool wrong) {
        (uint32 provider, address worker) = _REGISTRY.workerAt(uint40(self.worker));
        uint256 revokedFrom = _REGISTRY.revokedFrom(uint40(self.worker));
        if (provider != self.provider || (revokedFrom != 0 && time >= revokedFrom)) return (Fault.Worker, true);
        bytes32 hash = MessageLib.tallyHash(key, self.number & 63, self.first, self.count, self.units, self.segment);
        bytes32 domain = keccak256(
            abi.encode(DOMAIN_TYPEHASH, NAME_HASH, VERSION_HASH, block.chainid, address(SETTLEMENT))
        );
        (address signer, , ) = ECDSA.tryRecover(MessageLib.digest(domain, hash), self.r, self.vs);
        return (Fault.Signature, signer == address(0) || signer != worker);
    }

    /// @notice What is known of the deal that stood under `id` at `time`, and whether one did.
    function _factsAt(uint256 id, uint256 time) private view returns (Facts memory facts, bool there) {
        if (id > type(uint32).max) return (facts, false);
        (bytes32 key, uint256 terms, uint256 purse, address buyer) = SETTLEMENT.netDeal(uint32(id));
        facts = Facts(key, Terms.wrap(terms), Purse.wrap(purse), buyer);
        if (key == 0) return (facts, false);
        if (facts.terms.openedAt() > time) {
            // Had another deal had the id, it would have been closed after that time and kept the id for the retention.
            require(facts.terms.openedAt() < time + MIN_RETENTION, NetProofsForgotten(id));
            return (facts, false);
        }
        uint256 closedAt = facts.purse.closedAt();
        there = facts.terms.mode() == uint256(Mode.Net) && (closedAt == 0 || time <= closedAt);
    }

    function _requireFacts(uint256 id, uint256 time) private view returns (Facts memory facts) {
        bool there;
        (facts, there) = _factsAt(id, time);
        require(there, NetProofsWrongRecords()); // a fault of its own
    }

    /// @dev Assumes both have two elements and follow each other.
    function _isWrongDealUnits(Record calldata before, Record calldata record) private pure returns (bool) {
        NetRecordLib.Group memory last = NetRecordLib.group(before.elements);
        NetRecordLib.Group memory self = NetRecordLib.group(record.elements);
        if (last.number >> 6 != self.number >> 6) return false;
        return self.dealUnits + self.unitsBefore != last.dealUnits + self.units;
    }

    function _isPlace(NetBatch calldata batch, uint256 blob, uint256 start, uint256 count) private pure returns (bool) {
        (uint256 groups, uint256 deals) = NetBatchLib.rowAt(batch.batch, blob);
        return start >= GROUP_ELEMENTS * groups + DEAL_ELEMENTS * deals && start + count <= BlobLib.ELEMENTS;
    }

    function _requireState(State calldata state, uint256 id, bytes32 root) private pure {
        bytes32 top = NetTreeLib.climb(NetTreeLib.hashOf(state.leaf), id, state.path);
        require(top == root, NetProofsWrongRecords());
    }

    function _requireNext(Record calldata before, Record calldata record) private pure {
        require(uint256(before.index) + 1 == record.index, NetProofsWrongRecords());
    }

    /// @dev A deal's record that raises its buyer's total by `wrong`. Totals of groups say nothing of buyers.
    function _harmOfTotal(
        NetBatch calldata batch,
        NetBatchLib.Head memory head,
        Side side,
        Record calldata record,
        uint256 wrong
    ) private pure returns (Harm memory harm) {
        if (side == Side.Providers) return harm;
        uint256 buyer = NetRecordLib.deal(record.elements).buyer;
        return _harmTo(batch, head, DEAL_RECORD + record.index, buyer, wrong);
    }

    /// @dev A buyer's net of which up to `wrong` is.
    function _harmOfNet(
        NetBatch calldata batch,
        NetBatchLib.Head memory head,
        Side side,
        uint256 net,
        uint256 wrong
    ) private pure returns (Harm memory harm) {
        if (side == Side.Providers) return harm;
        (uint256 buyer, uint256 amount) = _netAt(batch, head, side, net);
        return _harmTo(batch, head, BUYERS_NET + net, buyer, Math.min(wrong, amount));
    }

    function _harmTo(
        NetBatch calldata batch,
        NetBatchLib.Head memory head,
        uint256 record,
        uint256 buyer,
        uint256 amount
    ) private pure returns (Harm memory harm) {
        harm.record = uint64(record);
        harm.buyer = uint32(buyer);
        harm.amount = uint64(amount);
        harm.paid = uint64(_netOf(batch, head, Side.Buyers, buyer));
        harm.time = batch.time;
    }

    /// @dev Net of one of them, 0 if it has none: nets rise by whose they are.
    function _netOf(
        NetBatch calldata batch,
        NetBatchLib.Head memory head,
        Side side,
        uint256 whose
    ) private pure returns (uint256) {
        (uint256 from, uint256 to) = (0, _nets(head, side));
        while (from < to) {
            uint256 middle = (from + to) / 2;
            (uint256 owner, uint256 amount) = _netAt(batch, head, side, middle);
            if (owner == whose) return amount;
            if (owner < whose) from = middle + 1;
            else to = middle;
        }
        return 0;
    }

    function _nets(NetBatchLib.Head memory head, Side side) private pure returns (uint256) {
        return side == Side.Providers ? head.providers : head.buyers;
    }

    function _netAt(
        NetBatch calldata batch,
        NetBatchLib.Head memory head,
        Side side,
        uint256 net
    ) private pure returns (uint256 owner, uint256 amount) {
        uint256 index = side == Side.Providers ? net : head.providers + net;
        return NetBatchLib.netAt(batch.batch, head.netsAt + NetBatchLib.NET * index);
    }

    /// @return right What a group is to pay; 0 if it has more units than its deal.
    /// @return known Whether it has not.
    function _rightAmount(
        NetRecordLib.Group memory self,
        Facts memory facts
    ) private pure returns (uint256 right, bool known) {
        uint256 suffix = self.units - self.unitsBefore;
        if (suffix > self.dealUnits) return (0, false);
        return (_due(facts, self.dealUnits) - _due(facts, self.dealUnits - suffix), true);
    }

    /// @dev What a deal comes to pay once its streams come to `units`.
    function _due(Facts memory facts, uint256 units) private pure returns (uint256) {
        return Math.min(facts.purse.budget(), facts.terms.price() * units);
    }

    function _require(bool wrong) private pure {
        require(wrong, NetProofsNothingWrong());
    }
}
