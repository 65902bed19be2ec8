// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ISettlement} from "../interfaces/ISettlement.sol";
import {Lane, Mode, Outcome} from "../interfaces/ITypes.sol";
import {BatchLib} from "../libraries/BatchLib.sol";
import {CodePages} from "../libraries/CodePages.sol";
import {DealPages} from "../libraries/DealPages.sol";
import {FactsLib} from "../libraries/FactsLib.sol";
import {MessageLib} from "../libraries/MessageLib.sol";
import {SignatureLib} from "../libraries/SignatureLib.sol";
import {TallyLib} from "../libraries/TallyLib.sol";
import {UsualGroups} from "../libraries/UsualGroups.sol";
import {WorkerPages} from "../libraries/WorkerPages.sol";
import {CellLib} from "../types/Cell.sol";
import {Purse} from "../types/Purse.sol";
import {Run} from "../types/Run.sol";
import {Terms, TermsLib} from "../types/Terms.sol";
import {RoomLib, Wheel, WheelLib} from "../types/Wheel.sol";
import {Records} from "./Records.sol";
import {Streams} from "./Streams.sol";
import {Wheels} from "./Wheels.sol";

/// @title Groups
/// @notice Judges and applies one group of a batch after the other.
/// @dev This is the code every receipt pays for. What it costs is kept low by three things: words that neighbours share
/// stay in the {Run} until another one comes, numbers are unchecked where a bound is named, and no enum is decoded.
abstract contract Groups is Streams, Wheels, Records {
    uint256 internal constant CALLDATA = uint256(Mode.Calldata);
    uint256 internal constant BLOB = uint256(Mode.Blob);
    uint256 internal constant ACKNOWLEDGED = uint256(Lane.Acknowledged);
    uint256 internal constant ATTESTED = uint256(Lane.Attested);
    uint256 internal constant FORCED = uint256(Lane.Forced);
    uint256 internal constant CLAMPED = uint256(Outcome.Clamped);
    /// @notice No deal, word or page.
    uint256 internal constant NONE = type(uint256).max;
    address internal constant SEVERAL = address(1);
    uint256 private constant MAX_WORKER = type(uint40).max;
    uint256 private constant NOT_A_WORKER = uint256(Outcome.NotAWorker);
    uint256 private constant APPLIED = uint256(Outcome.Applied);
    uint256 private constant HOUR = 3600;

    /// @notice Judges and applies every group of the run's batch, and stores what it changed.
    function _settleGroups(Run memory run) internal {
        do {
            uint256 missing = run.lane == ATTESTED ? UsualGroups.settle() : UsualGroups.GROUP;
            uint256 head = BatchLib.word(run.offset);
            if (missing == UsualGroups.PAGE && _selectWorkers(run, (head >> 144) & MAX_WORKER) != 0) continue;
            if (missing == UsualGroups.DEAL) _selectDeal(run, head);
            else if (missing != UsualGroups.END) _keep(run, head);
        } while (run.offset < run.end);
        _storeCells(run);
        _storeRooms(run);
    }

    /// @dev Settles a group by all rules and keeps its leaf and its record.
    function _keep(Run memory run, uint256 head) private {
        (bytes32 leaf, uint256 record) = _settleGroup(run, head);
        uint256 leafAt = run.leavesAt + 32 * run.groups;
        uint256 recordAt = run.factsAt + FactsLib.SIZE * run.groups;
        if (record >> 120 > CLAMPED) _mark(run.skipped, run.groups);
        ++run.groups;
        // The run's own memory, as {UsualGroups} writes it.
        assembly ("memory-safe") {
            mstore(leafAt, leaf)
            mstore(recordAt, shl(128, record))
        }
    }

    /// @dev Reads the group that begins with `head`, judges it, applies it if it can, and moves on behind it.
    /// @return leaf Its group hash.
    /// @return record What happened, see {FactsLib}.
    function _settleGroup(Run memory run, uint256 head) private returns (bytes32 leaf, uint256 record) {
        unchecked {
            uint256 number = head >> 216;
            _selectDeal(run, head);
            run.next = number + 1;
            uint256 shift = _selectCells(run, number);
            uint256 cell = uint64(run.cells >> shift);
            uint256 outcome = _standing(run, head, cell);
            (bytes32 segment, uint256 signatureAt, bool matches) = run.mode == CALLDATA
                ? _readReceipts(run, head, cell, outcome)
                : _readSegment(run, head, cell);
            leaf = TallyLib.hash(head, segment);
            if (outcome != APPLIED) return (leaf, outcome << 120);
            if (!matches) return (leaf, uint256(Outcome.UnitsMismatch) << 120);

            uint256 row = _selectWorkers(run, (head >> 144) & MAX_WORKER);
            if (TallyLib.isRefused(row, run.provider, TallyLib.signer(signatureAt))) {
                return (leaf, _refused(run, row >> 160, head, cell, signatureAt) << 120);
            }
            uint256 units = (head >> 64) & CellLib.MAX_UNITS;
            record = _apply(run, head, cell, units, segment, row, signatureAt);
            if (record >> 120 > CLAMPED) return (leaf, record);
            record |= cell << 56;
            run.cells ^= (cell ^ ((_countOf(head) << 40) | units)) << shift;
            if (run.lane != ATTESTED) _record(run, number, leaf, record);
        }
    }

    /// @dev Brings the deal of the group that begins with `head` into the run.
    function _selectDeal(Run memory run, uint256 head) private {
        if (BatchLib.isBadHead(head, run.next)) _malformed(run);
        uint256 id = head >> 222;
        if (id != run.judged) _loadDeal(run, id, uint32(head >> 184));
    }

    /// @dev Brings the word with a stream's cell into the run. A word is named by half its first two streams' deal id,
    /// or by the complement of its deal's first stream number and its place among the deal's further words.
    /// @return shift Where the cell stands in it.
    function _selectCells(Run memory run, uint256 number) private returns (uint256 shift) {
        unchecked {
            uint256 index = number & 63;
            uint256 key = number >> 7;
            shift = ((number & 64) << 1) | (index << 6);
            if (index >= CellLib.INLINE) {
                index -= CellLib.INLINE;
                key = ~((number & ~uint256(63)) | (index / CellLib.PER_WORD));
                shift = (index % CellLib.PER_WORD) << 6;
            }
            if (key == run.cellsKey) return shift;
            _storeCells(run);
            run.cellsKey = key;
            run.cellsSlot = key >> 255 == 0 ? _slot(_cells, key) : _slot(_moreCells[~key >> 6], ~key & 63);
            run.cells = _read(run.cellsSlot);
        }
    }

    function _storeCells(Run memory run) private {
        if (run.cellsKey != NONE) _write(run.cellsSlot, run.cells);
    }

    function _selectRooms(Run memory run) private {
        uint256 quad = run.provider / RoomLib.PER_WORD;
        if (quad == run.quad) return;
        _storeRooms(run);
        run.quad = quad;
        run.roomsSlot = _slot(_rooms, quad);
        run.rooms = _read(run.roomsSlot);
    }

    function _storeRooms(Run memory run) private {
        if (run.quad != NONE) _write(run.roomsSlot, run.rooms);
    }

    /// @dev Assumes groups come by rising deal: a deal is loaded once in a batch.
    function _loadDeal(Run memory run, uint256 id, uint256 place) private {
        unchecked {
            _storeCells(run);
            run.cellsKey = NONE;
            (bytes32 key, Terms terms, Purse purse) = _factsOf(run, id, place);
            (run.id, run.judged, run.key) = (id, id, key);
            TallyLib.setKey(key);
            run.streams = 0;
            uint256 end = terms.end();
            if (terms.state() != TermsLib.LIVE || run.clock >= end + run.closingPeriod) {
                run.standing = uint256(Outcome.DealNotOpen);
                return;
            }
            if (terms.mode() == uint256(Mode.Net)) {
                run.standing = uint256(Outcome.ModeMismatch);
                return;
            }
            run.standing = APPLIED;
            run.streams = terms.streams();
            run.provider = terms.provider();
            run.price = terms.price();
            run.budget = purse.budget();
            run.allowed = purse.allowance() * run.price; // both below 2^64
            run.cap = run.budget < run.allowed ? run.budget : run.allowed;
            uint256 until = run.clock < end ? run.clock : end;
            run.rateLimit = (terms.rateCap() * (until - terms.openedAt())) / HOUR;
            _selectCells(run, id << 6);
            uint256 cells = run.cells >> ((id & 1) << 7);
            uint256 units = (cells & CellLib.MAX_UNITS) + ((cells >> 64) & CellLib.MAX_UNITS);
            if (run.streams > CellLib.INLINE) units += _moreUnitsOf(id, run.streams);
            run.due = units * run.price;
            if (run.lane == ATTESTED) _selectRooms(run);
        }
    }

    /// @dev Rules 5 to 9.
    /// @return record Outcome and amount.
    function _apply(
        Run memory run,
        uint256 head,
        uint256 cell,
        uint256 units,
        bytes32 segment,
        uint256 row,
        uint256 signatureAt
    ) private returns (uint256 record) {
        if (_isRevoked(run, (head >> 144) & MAX_WORKER)) return NOT_A_WORKER << 120;
        uint256 index = (head >> 216) & 63;
        uint256 acknowledged = 0;
        if (run.lane == FORCED) {
            _noteForce(run, address(uint160(row)));
        } else if (run.lane == ACKNOWLEDGED) {
            if (!_isAcknowledged(run, index, _countOf(head), units, segment, signatureAt)) {
                return uint256(Outcome.BadAcknowledgement) << 120;
            }
            acknowledged = _newlyAcknowledged(run, index, units);
        }
        if (units > run.rateLimit) return uint256(Outcome.RateExceeded) << 120;
        uint256 due = run.due + (units - (cell & CellLib.MAX_UNITS)) * run.price;
        record = _capped(run, due, run.allowed + acknowledged * run.price);
        if (record >> 120 > CLAMPED) return record;
        if (!_credit(run, record & type(uint56).max)) return uint256(Outcome.CoverageExceeded) << 120;
        if (acknowledged != 0) _keepAcknowledgement(run, index, units, acknowledged);
        run.due = due;
    }

    /// @dev Credits the run's provider, if it has room: from its room of the day in the attested lane. The first credit
    /// of a day, one that a room is too small for and those of the forced lane go through the wheel.
    function _credit(Run memory run, uint256 amount) private returns (bool fits) {
        if (run.lane == ACKNOWLEDGED) return _creditAcknowledged(run, amount);
        uint256 provider = run.provider;
        if (run.lane == ATTESTED) {
            if (
                RoomLib.isOf(run.rooms, provider, run.today) && RoomLib.left(run.rooms, provider, run.today) >= amount
            ) {
                run.rooms = RoomLib.take(run.rooms, provider, amount);
                return true;
            }
            _storeRooms(run);
        }
        Wheel wheel = _loadNow(provider, run.today);
        fits = amount == 0 || int256(amount) <= wheel.room(); // what costs nothing needs no room
        if (fits) wheel = _creditUnmatured(provider, wheel, amount, run.dueIn);
        if (run.lane != ATTESTED) {
            _store(provider, wheel, run.today);
        } else {
            _storeIssued(provider, wheel, run.today);
            run.rooms = _read(run.roomsSlot);
        }
    }

    function _write(uint256 slot, uint256 word) private {
        assembly ("memory-safe") {
            sstore(slot, word)
        }
    }

    function _creditAcknowledged(Run memory run, uint256 amount) private returns (bool) {
        Wheel wheel = _loadNow(run.provider, run.today);
        (uint256 protocolFee, uint256 committeeFee) = (0, 0);
        (wheel, protocolFee, committeeFee) = _creditMatured(run.provider, wheel, amount);
        _addFees(protocolFee, committeeFee);
        _store(run.provider, wheel, run.today);
        return true;
    }

    function _keepAcknowledgement(Run memory run, uint256 index, uint256 units, uint256 acknowledged) private {
        _setAcknowledged(run.id, index, units);
        Deal storage self = _deals[run.id];
        self.purse = self.purse.withAllowance(self.purse.allowance() + acknowledged);
        run.allowed += acknowledged * run.price;
        run.cap = run.budget < run.allowed ? run.budget : run.allowed;
    }

    function _record(Run memory run, uint256 number, bytes32 leaf, uint256 record) private {
        bytes27 chain = bytes27(
            keccak256(abi.encodePacked(bytes27(bytes32(_records[number])), leaf, uint128(record), uint32(run.clock)))
        );
        _records[number] = uint256(bytes32(chain)) | run.clock;
    }

    /// @dev Brings a worker's page into the run.
    /// @return row The worker's own, provider id (4) ‖ key (20); zero if there is none.
    function _selectWorkers(Run memory run, uint256 worker) private view returns (uint256 row) {
        uint256 firstWorker = worker - (worker % WorkerPages.ROWS);
        if (firstWorker != run.firstWorker) {
            address code = WorkerPages.addressOf(address(REGISTRY), worker / WorkerPages.ROWS);
            uint256 size;
            (run.workersAt, size, run.workersCapacity) = CodePages.load(code, run.workersAt, run.workersCapacity);
            (run.firstWorker, run.workers) = (firstWorker, size / WorkerPages.ROW);
        }
        row = worker % WorkerPages.ROWS;
        return row < run.workers ? WorkerPages.read(run.workersAt, row) : 0;
    }

    /// @dev From the deal's row if the place is right and the row still holds, else from its storage. In the
    /// acknowledged lane from storage, as the allowance is to be changed there.
    function _factsOf(
        Run memory run,
        uint256 id,
        uint256 place
    ) private view returns (bytes32 key, Terms terms, Purse purse) {
        run.place = 0;
        if (place != 0 && run.lane != ACKNOWLEDGED) {
            uint256 page = place / DealPages.ROWS;
            if (page != run.dealPage) {
                address code = CodePages.addressOf(address(this), page);
                (run.dealsAt, , run.dealsCapacity) = CodePages.load(code, run.dealsAt, run.dealsCapacity);
                (run.dealPage, run.liveRows) = (page, _livePages[page]);
            }
            if ((run.liveRows >> (place % DealPages.ROWS)) & 1 != 0) {
                (key, terms, purse) = DealPages.read(run.dealsAt, place % DealPages.ROWS);
                run.place = place;
                if (terms.id() == id) return (key, terms, purse);
                run.place = 0;
            }
        }
        Deal storage self = _deals[id];
        return (self.key, self.terms, self.purse);
    }

    /// @notice Outcome and amount of a deal whose streams come to `due`, for which `allowed` may be paid.
    function _capped(Run memory run, uint256 due, uint256 allowed) private view returns (uint256 record) {
        uint256 budget = run.budget;
        uint256 paid = run.due < budget ? run.due : budget;
        record = due > budget ? CLAMPED << 120 : 0;
        if (due > budget) due = budget;
        if (due > allowed && due > _allowedNow(run)) return uint256(Outcome.ExposureExceeded) << 120;
        return record | (due - paid);
    }

    function _isAcknowledged(
        Run memory run,
        uint256 index,
        uint256 count,
        uint256 units,
        bytes32 segment,
        uint256 signatureAt
    ) private view returns (bool) {
        bytes32 hash = MessageLib.acknowledgementHash(run.key, index, count, units, segment);
        address signer = SignatureLib.recoverAt(MessageLib.digest(run.domain, hash), signatureAt + SignatureLib.SIZE);
        return signer != address(0) && signer == _deals[run.id].ackKey;
    }

    function _isRevoked(Run memory run, uint256 worker) private view returns (bool) {
        // A provider with a room of today has no revoked worker.
        if (run.lane == ATTESTED && RoomLib.isOf(run.rooms, run.provider, run.today)) return false;
        if (!_wheels[run.provider].has(WheelLib.REVOCATIONS)) return false;
        uint256 from = REGISTRY.revokedFrom(uint40(worker));
        return from != 0 && run.clock >= from;
    }

    function _read(uint256 slot) private view returns (uint256 word) {
        assembly ("memory-safe") {
            word := sload(slot)
        }
    }

    /// @notice Money the deal's allowance lets pass now; a row may state an older, smaller one.
    function _allowedNow(Run memory run) private view returns (uint256) {
        return run.place == 0 ? 0 : _deals[run.id].purse.allowance() * run.price;
    }

    function _newlyAcknowledged(Run memory run, uint256 index, uint256 units) private view returns (uint256) {
        uint256 before = _acknowledged(run.id, index);
        return units > before ? units - before : 0;
    }

    /// @dev Rule 4, refused. Members check worker and signature before they sign. Membership never changes, nor the
    /// tally while its stream stands where the group begins: skipping would let anyone spoil all signatures but one and
    /// bring one attested root group by group, a place in the ring for each. A stream that a conflicting tally moved is
    /// skipped.
    function _refused(
        Run memory run,
        uint256 provider,
        uint256 head,
        uint256 cell,
        uint256 signatureAt
    ) private pure returns (uint256) {
        bool member = provider == run.provider;
        bool asAttested = !member || (head >> 120) & CellLib.MAX_COUNT == cell >> 40;
        require(run.lane != ATTESTED || !asAttested, ISettlement.SettlementBadGroup(signatureAt - run.batchAt));
        return member ? uint256(Outcome.BadSignature) : NOT_A_WORKER;
    }

    function _malformed(Run memory run) private pure {
        revert ISettlement.SettlementMalformedBatch(run.offset - run.batchAt);
    }

    /// @dev Rules 1 and 2: the deal lives, the stream exists and the group continues it. A deal that does not live has
    /// no streams here.
    function _standing(Run memory run, uint256 head, uint256 cell) private pure returns (uint256) {
        uint256 first = (head >> 120) & CellLib.MAX_COUNT;
        if (!BatchLib.isOff(head, first, cell >> 40, run.streams)) return APPLIED;
        if (run.standing != APPLIED) return run.standing;
        if ((head >> 216) & 63 >= run.streams) return uint256(Outcome.StreamOutOfRange);
        return uint256(first > cell >> 40 ? Outcome.Gap : Outcome.Stale);
    }

    function _countOf(uint256 head) private pure returns (uint256) {
        unchecked {
            return ((head >> 120) & CellLib.MAX_COUNT) + ((head >> 104) & type(uint16).max);
        }
    }

    /// @dev Every group's receipts are read, skipped ones too: only so the next group is found.
    /// @return segment Hash of the receipts.
    /// @return signatureAt Where the worker's signature stands.
    /// @return matches Whether those past the cursor make up the difference between the units stored and the tally's.
    function _readReceipts(
        Run memory run,
        uint256 head,
        uint256 cell,
        uint256 outcome
    ) private pure returns (bytes32 segment, uint256 signatureAt, bool matches) {
        unchecked {
            signatureAt = run.offset + BatchLib.HEAD;
            uint256 from = signatureAt + run.signatures;
            uint256 count = (head >> 104) & type(uint16).max;
            uint256 size = count * BatchLib.RECEIPT;
            if (from + size > run.end) _malformed(run);
            uint256 known = outcome == APPLIED ? (cell >> 40) - ((head >> 120) & CellLib.MAX_COUNT) : 0;
            if (BatchLib.sum(from, known) == BatchLib.MALFORMED) _malformed(run);
            uint256 units = BatchLib.sum(from + known * BatchLib.RECEIPT, count - known);
            if (units == BatchLib.MALFORMED) _malformed(run);
            run.offset = from + size;
            matches = units + (cell & CellLib.MAX_UNITS) == (head >> 64) & CellLib.MAX_UNITS;
            segment = BatchLib.hash(from, size);
        }
    }

    /// @return segment Hash of the receipts in the blob.
    /// @return signatureAt Where the worker's signature stands.
    /// @return matches Whether every receipt past the cursor can have a unit.
    function _readSegment(
        Run memory run,
        uint256 head,
        uint256 cell
    ) private pure returns (bytes32 segment, uint256 signatureAt, bool matches) {
        unchecked {
            segment = bytes32(BatchLib.word(run.offset + BatchLib.HEAD));
            signatureAt = run.offset + BatchLib.HEAD + 32;
            uint256 next = signatureAt + run.signatures;
            if (next > run.end) _malformed(run);
            run.offset = next;
            uint256 units = (head >> 64) & CellLib.MAX_UNITS;
            matches = units + (cell >> 40) >= (cell & CellLib.MAX_UNITS) + _countOf(head);
        }
    }

    /// @dev Sets bit `index`, the lowest of a byte first. Assumes there is such a bit.
    function _mark(bytes memory bitmap, uint256 index) private pure {
        bitmap[index / 8] |= bytes1(uint8(1 << (index % 8)));
    }

    function _noteForce(Run memory run, address key) private pure {
        if (run.forceProvider == 0) (run.forceProvider, run.forceWorker) = (run.provider, key);
        require(
            run.forceProvider == run.provider,
            ISettlement.SettlementForceMixedProviders(uint32(run.forceProvider), uint32(run.provider))
        );
        if (run.forceWorker != key) run.forceWorker = SEVERAL;
    }

    function _slot(mapping(uint256 => uint256) storage words, uint256 key) private pure returns (uint256 slot) {
        // Memory: scratch space 0x00..0x3f only.
        assembly ("memory-safe") {
            mstore(0x00, key)
            mstore(0x20, words.slot)
            slot := keccak256(0x00, 0x40)
        }
    }
}
