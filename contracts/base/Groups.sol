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
import {WorkerPages} from "../libraries/WorkerPages.sol";
import {Cell, CellLib} from "../types/Cell.sol";
import {Purse} from "../types/Purse.sol";
import {Terms, TermsLib} from "../types/Terms.sol";
import {RoomLib, Wheel, WheelLib} from "../types/Wheel.sol";
import {Streams} from "./Streams.sol";
import {Wheels} from "./Wheels.sol";

/// @title Groups
/// @notice Judges and applies one group of a batch after the other.
/// @dev This is the code every receipt pays for. What it costs is kept low by three things: words that neighbours share
/// stay in the {Run} until another one comes, numbers are unchecked where a bound is named, and no enum is decoded.
abstract contract Groups is Streams, Wheels {
    /// @dev What one `settle` carries from group to group.
    struct Run {
        uint256 mode;
        uint256 lane;
        uint256 clock;
        uint256 today;
        uint256 due;
        uint256 closingPeriod;
        bytes32 domain;
        uint256 signatures;
        uint256 batchAt;
        uint256 offset;
        uint256 end;
        uint256 number;
        // deal
        uint256 id;
        bytes32 key;
        uint256 provider;
        uint256 price;
        uint256 budget;
        uint256 allowed;
        uint256 rateLimit;
        uint256 streams;
        uint256 units;
        uint256 standing;
        uint256 place;
        // words of two deals' streams and of four providers' rooms
        uint256 pair;
        uint256 cells;
        uint256 quad;
        uint256 rooms;
        // pages
        uint256 dealPage;
        address dealPageAt;
        uint256 liveRows;
        uint256 workerPage;
        address workerPageAt;
        // force
        uint256 forceProvider;
        address forceWorker;
    }

    uint256 internal constant CALLDATA = uint256(Mode.Calldata);
    uint256 internal constant BLOB = uint256(Mode.Blob);
    uint256 internal constant ACKNOWLEDGED = uint256(Lane.Acknowledged);
    uint256 internal constant ATTESTED = uint256(Lane.Attested);
    uint256 internal constant FORCED = uint256(Lane.Forced);
    uint256 internal constant CLAMPED = uint256(Outcome.Clamped);
    /// @notice No deal, word or page.
    uint256 internal constant NONE = type(uint256).max;
    address internal constant SEVERAL = address(1);
    uint256 private constant APPLIED = uint256(Outcome.Applied);
    uint256 private constant HOUR = 3600;

    /// @dev chain (27 bytes) ‖ time (5)
    mapping(uint256 number => uint256 word) internal _records;

    /// @notice Reads the group at the run's offset, judges it, applies it if it can, and moves on behind it.
    /// @return leaf Its group hash.
    /// @return record What happened, see {FactsLib}.
    function _settleGroup(Run memory run) internal returns (bytes32 leaf, uint256 record) {
        unchecked {
            uint256 groupAt = run.offset;
            (uint256 number, uint256 offset) = BatchLib.varint(groupAt);
            uint256 bad = number >> 38; // numbers below it stay far from overflow
            number += run.number;
            run.number = number + 1;
            bad |= number >> 38;
            if (number >> 6 != run.id) {
                uint256 place;
                (place, offset) = BatchLib.varint(offset);
                bad |= place >> 32;
                _loadDeal(run, number >> 6, place);
            }
            number &= 63;
            (uint256 worker, uint256 first, uint256 count) = (0, 0, 0);
            (worker, offset) = BatchLib.varint(offset);
            (first, offset) = BatchLib.varint(offset);
            (count, offset) = BatchLib.varint(offset);
            bad |= (worker >> 40) | (first >> 24) | (count >> 24);
            if (count == 0) bad = 1;
            count += first;
            require(bad | (count >> 24) == 0, ISettlement.SettlementMalformedBatch(groupAt - run.batchAt));

            Cell cell = _runCell(run, number);
            uint256 outcome = _standing(run, number, first, count, cell);
            uint256 signatureAt;
            uint256 units;
            bytes32 segment;
            (signatureAt, segment, units) = run.mode == CALLDATA
                ? _readReceipts(run, groupAt, offset, first, count, outcome == APPLIED ? cell.cursor() : first)
                : _readSegment(run, groupAt, offset);
            leaf = MessageLib.groupHash(run.key, number, first, count, segment);
            if (outcome != APPLIED) return (leaf, outcome << 120);
            if (run.mode == CALLDATA) units += cell.units();
            else if (units < cell.units() + count - cell.cursor()) return (leaf, uint256(Outcome.UnitsTooFew) << 120);
            if (units > CellLib.MAX_UNITS) return (leaf, uint256(Outcome.UnitsOverflow) << 120);

            bytes32 hash = MessageLib.tallyHash(run.key, number, first, count, units, segment);
            outcome = _judgeSignatures(run, worker, hash, signatureAt, first == cell.cursor());
            if (outcome == APPLIED && run.lane == ACKNOWLEDGED) {
                outcome = _judgeAcknowledgement(run, number, count, units, segment, signatureAt);
            }
            if (outcome == APPLIED && units > run.rateLimit) outcome = uint256(Outcome.RateExceeded);
            if (outcome != APPLIED) return (leaf, outcome << 120);
            record = _apply(run, number, cell, CellLib.pack(count, units));
            if (run.lane != ATTESTED && record >> 120 <= CLAMPED) _record(run, number, leaf, record);
        }
    }

    /// @notice Stores the words that are still in the run.
    function _finish(Run memory run) internal {
        if (run.pair != NONE) _cells[run.pair] = run.cells;
        if (run.quad != NONE) _rooms[run.quad] = run.rooms;
    }

    /// @dev Assumes groups come by rising deal: a deal is loaded once in a batch.
    function _loadDeal(Run memory run, uint256 id, uint256 place) private {
        unchecked {
            if (id >> 1 != run.pair) {
                if (run.pair != NONE) _cells[run.pair] = run.cells;
                run.pair = id >> 1;
                run.cells = _cells[id >> 1];
            }
            (bytes32 key, Terms terms, Purse purse) = _factsOf(run, id, place);
            run.id = id;
            run.key = key;
            run.standing = APPLIED;
            run.streams = terms.streams();
            if (terms.state() != TermsLib.LIVE || run.clock >= terms.end() + run.closingPeriod) {
                run.standing = uint256(Outcome.DealNotOpen);
                return;
            }
            if (terms.mode() == uint256(Mode.Net)) run.standing = uint256(Outcome.ModeMismatch);
            run.provider = terms.provider();
            run.price = terms.price();
            run.budget = purse.budget();
            run.allowed = purse.allowance() * run.price; // both below 2^64
            uint256 until = run.clock < terms.end() ? run.clock : terms.end();
            run.rateLimit = (terms.rateCap() * (until - terms.openedAt())) / HOUR;
            run.units = CellLib.sum(run.cells >> (128 * (id & 1)), CellLib.INLINE);
            if (run.streams > CellLib.INLINE) run.units += _moreUnitsOf(id, run.streams);
        }
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
                run.dealPage = page;
                run.dealPageAt = CodePages.addressOf(address(this), page);
                run.liveRows = _livePages[page];
            }
            if ((run.liveRows >> (place % DealPages.ROWS)) & 1 != 0) {
                (key, terms, purse) = DealPages.read(run.dealPageAt, place % DealPages.ROWS);
                run.place = place;
                if (terms.id() == id) return (key, terms, purse);
                run.place = 0;
            }
        }
        Deal storage self = _deals[id];
        return (self.key, self.terms, self.purse);
    }

    /// @dev Rules 4 and 5: the worker is the provider's, the tally is the worker's.
    function _judgeSignatures(
        Run memory run,
        uint256 worker,
        bytes32 hash,
        uint256 signatureAt,
        bool asAttested
    ) private returns (uint256) {
        uint256 number = worker / WorkerPages.ROWS;
        if (number != run.workerPage) {
            (run.workerPage, run.workerPageAt) = (number, WorkerPages.addressOf(address(REGISTRY), number));
        }
        (uint256 provider, address key) = WorkerPages.memberAt(run.workerPageAt, worker % WorkerPages.ROWS);
        bool member = provider == run.provider && key != address(0);
        if (!member || SignatureLib.recoverAt(MessageLib.digest(run.domain, hash), signatureAt) != key) {
            // Members check both before they sign. Membership never changes, nor the tally while its stream stands
            // where the group begins: skipping would let anyone spoil all signatures but one and bring one attested
            // root group by group, a place in the ring for each. A stream that a conflicting tally moved is skipped.
            if (run.lane == ATTESTED && (!member || asAttested)) {
                revert ISettlement.SettlementBadGroup(signatureAt - run.batchAt);
            }
            return uint256(member ? Outcome.BadSignature : Outcome.NotAWorker);
        }
        if (_isRevoked(run, worker)) return uint256(Outcome.NotAWorker);
        if (run.lane == FORCED) _noteForce(run, key);
        return APPLIED;
    }

    /// @dev Rules 7 to 9: what is paid, whether it may be, and the move itself.
    function _apply(Run memory run, uint256 index, Cell before, Cell cell) private returns (uint256 record) {
        unchecked {
            // Units of a deal stay below 2^46, prices below 2^64.
            uint256 units = run.units + cell.units() - before.units();
            uint256 due = units * run.price;
            uint256 paid = run.units * run.price;
            uint256 outcome = APPLIED;
            if (due > run.budget) {
                outcome = CLAMPED;
                due = run.budget;
                if (paid > due) paid = due;
            }
            uint256 acknowledged = run.lane == ACKNOWLEDGED ? _newlyAcknowledged(run, index, cell.units()) : 0;
            if (due > run.allowed + acknowledged * run.price && due > _allowedNow(run)) {
                return FactsLib.pack(uint256(Outcome.ExposureExceeded), 0, 0, 0);
            }
            uint256 amount = due - paid;
            if (!_credit(run, amount)) return FactsLib.pack(uint256(Outcome.CoverageExceeded), 0, 0, 0);
            if (acknowledged != 0) _keepAcknowledgement(run, index, cell.units(), acknowledged);
            run.units = units;
            _setRunCell(run, index, cell);
            return FactsLib.pack(outcome, before.cursor(), before.units(), amount);
        }
    }

    /// @notice Credits the run's provider, if it has room.
    function _credit(Run memory run, uint256 amount) private returns (bool) {
        if (run.lane == ACKNOWLEDGED) return _creditAcknowledged(run, amount);
        uint256 provider = run.provider;
        if (run.lane == ATTESTED) {
            uint256 quad = provider / RoomLib.PER_WORD;
            if (quad != run.quad) {
                if (run.quad != NONE) _rooms[run.quad] = run.rooms;
                (run.quad, run.rooms) = (quad, _rooms[quad]);
            }
            if (RoomLib.left(run.rooms, provider, run.today) >= amount && RoomLib.isOf(run.rooms, provider, run.today)) {
                run.rooms = RoomLib.take(run.rooms, provider, amount);
                return true;
            }
            _rooms[quad] = run.rooms;
        }
        bool done = _creditWheel(run, provider, amount);
        if (run.lane == ATTESTED) run.rooms = _rooms[run.quad];
        return done;
    }

    /// @dev The first credit of a day, those of the forced lane, and those a room is too small for.
    function _creditWheel(Run memory run, uint256 provider, uint256 amount) private returns (bool) {
        Wheel wheel = _loadNow(provider, run.today);
        bool fits = int256(amount) <= wheel.room();
        if (fits) wheel = _creditUnmatured(provider, wheel, amount, run.due);
        if (run.lane == ATTESTED) _storeIssued(provider, wheel, run.today);
        else _store(provider, wheel, run.today);
        return fits;
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
    }

    function _setRunCell(Run memory run, uint256 index, Cell cell) private {
        if (index < CellLib.INLINE) {
            run.cells = CellLib.write(run.cells, CellLib.inlinePosition(run.id, index), cell);
            return;
        }
        index -= CellLib.INLINE;
        uint256 position = index / CellLib.PER_WORD;
        uint256 word = _moreCells[run.id][position];
        _moreCells[run.id][position] = CellLib.write(word, index % CellLib.PER_WORD, cell);
    }

    function _record(Run memory run, uint256 index, bytes32 leaf, uint256 record) private {
        uint256 number = (run.id << 6) | index;
        bytes27 chain = bytes27(
            keccak256(abi.encodePacked(bytes27(bytes32(_records[number])), leaf, uint128(record), uint32(run.clock)))
        );
        _records[number] = uint256(bytes32(chain)) | run.clock;
    }

    function _noteForce(Run memory run, address key) private pure {
        if (run.forceProvider == 0) (run.forceProvider, run.forceWorker) = (run.provider, key);
        require(
            run.forceProvider == run.provider,
            ISettlement.SettlementForceMixedProviders(uint32(run.forceProvider), uint32(run.provider))
        );
        if (run.forceWorker != key) run.forceWorker = SEVERAL;
    }

    function _runCell(Run memory run, uint256 index) private view returns (Cell) {
        if (index < CellLib.INLINE) return CellLib.read(run.cells, CellLib.inlinePosition(run.id, index));
        return _cell(run.id, index);
    }

    function _judgeAcknowledgement(
        Run memory run,
        uint256 index,
        uint256 count,
        uint256 units,
        bytes32 segment,
        uint256 signatureAt
    ) private view returns (uint256) {
        bytes32 hash = MessageLib.acknowledgementHash(run.key, index, count, units, segment);
        address signer = SignatureLib.recoverAt(
            MessageLib.digest(run.domain, hash),
            signatureAt + SignatureLib.SIZE
        );
        bool signed = signer != address(0) && signer == _deals[run.id].ackKey;
        return signed ? APPLIED : uint256(Outcome.BadAcknowledgement);
    }

    /// @dev A provider with a room of today has no revoked worker.
    function _isRevoked(Run memory run, uint256 worker) private view returns (bool) {
        uint256 provider = run.provider;
        uint256 quad = provider / RoomLib.PER_WORD;
        uint256 rooms = quad == run.quad ? run.rooms : _rooms[quad];
        if (RoomLib.isOf(rooms, provider, run.today)) return false;
        if (!_wheels[provider].has(WheelLib.REVOCATIONS)) return false;
        uint256 from = REGISTRY.revokedFrom(uint40(worker));
        return from != 0 && run.clock >= from;
    }

    /// @notice Money the deal's allowance lets pass now; a row may state an older, smaller one.
    function _allowedNow(Run memory run) private view returns (uint256) {
        return run.place == 0 ? 0 : _deals[run.id].purse.allowance() * run.price;
    }

    function _newlyAcknowledged(Run memory run, uint256 index, uint256 units) private view returns (uint256) {
        uint256 before = _acknowledged(run.id, index);
        return units > before ? units - before : 0;
    }

    /// @dev Rules 1 and 2: the deal lives, the stream exists and the group continues it.
    function _standing(
        Run memory run,
        uint256 index,
        uint256 first,
        uint256 count,
        Cell cell
    ) private pure returns (uint256) {
        if (run.standing != APPLIED) return run.standing;
        if (index >= run.streams) return uint256(Outcome.StreamOutOfRange);
        uint256 cursor = cell.cursor();
        if (first > cursor) return uint256(Outcome.Gap);
        return count > cursor ? APPLIED : uint256(Outcome.Stale);
    }

    /// @dev Every group's receipts are read, skipped ones too: only so the next group is found.
    /// @param cursor Where the units begin to count, from `first` to `count`.
    function _readReceipts(
        Run memory run,
        uint256 groupAt,
        uint256 signatureAt,
        uint256 first,
        uint256 count,
        uint256 cursor
    ) private pure returns (uint256, bytes32 segment, uint256 units) {
        unchecked {
            uint256 from = signatureAt + run.signatures;
            uint256 next = from;
            if (cursor != first) (next, ) = BatchLib.scan(from, cursor - first);
            if (next != BatchLib.MALFORMED) (next, units) = BatchLib.scan(next, count - cursor);
            require(next <= run.end, ISettlement.SettlementMalformedBatch(groupAt - run.batchAt));
            segment = BatchLib.hash(from, next - from);
            run.offset = next;
            return (signatureAt, segment, units);
        }
    }

    function _readSegment(
        Run memory run,
        uint256 groupAt,
        uint256 offset
    ) private pure returns (uint256 signatureAt, bytes32 segment, uint256 units) {
        unchecked {
            (units, signatureAt) = BatchLib.varint(offset);
            assembly ("memory-safe") {
                segment := calldataload(signatureAt)
            }
            signatureAt += 32;
            run.offset = signatureAt + run.signatures;
            require(
                units <= CellLib.MAX_UNITS && run.offset <= run.end,
                ISettlement.SettlementMalformedBatch(groupAt - run.batchAt)
            );
        }
    }
}
