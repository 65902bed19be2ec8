// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IERC20Metadata} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Metadata.sol";
import {Proxy} from "@openzeppelin/contracts/proxy/Proxy.sol";

import {Ledger} from "./base/Ledger.sol";
import {Streams} from "./base/Streams.sol";
import {Wheels} from "./base/Wheels.sol";
import {ICommittee} from "./interfaces/ICommittee.sol";
import {ILedger} from "./interfaces/ILedger.sol";
import {IRegistry} from "./interfaces/IRegistry.sol";
import {ISettlement} from "./interfaces/ISettlement.sol";
import {ITallystick} from "./interfaces/ITallystick.sol";
import {Lane, Mode, Outcome} from "./interfaces/ITypes.sol";
import {BatchLib} from "./libraries/BatchLib.sol";
import {MerkleLib} from "./libraries/MerkleLib.sol";
import {MessageLib} from "./libraries/MessageLib.sol";
import {SignatureLib} from "./libraries/SignatureLib.sol";
import {WorkerPages} from "./libraries/WorkerPages.sol";
import {Cell, CellLib, Meter, MeterLib} from "./types/Meter.sol";
import {Terms} from "./types/Terms.sol";
import {Wheel, WheelLib} from "./types/Wheel.sol";

/// @title Settlement
/// @notice See {ISettlement}.
/// @custom:invariant held = free + remaining of deals not closed + unmatured + claimable + fees <= tokens held
/// @custom:invariant a stream's receipts and units never fall while its deal lives
contract Settlement is ISettlement, Streams, Wheels, Proxy {
    /// @dev What one `settle` carries from group to group. Words of the last deal, provider and page stay here until
    /// another one comes, so that neighbours share their reads and writes.
    struct Run {
        Lane lane;
        uint256 clock;
        uint256 window;
        uint256 closingPeriod;
        bytes32 domain;
        uint256 batchAt;
        uint256 offset;
        uint256 end;
        uint256 nextNumber;
        // deal
        uint256 deal;
        bytes32 key;
        Terms terms;
        Meter meter;
        // provider
        uint256 provider;
        Wheel wheel;
        uint256 protocolFee;
        uint256 committeeFee;
        // page
        uint256 pageNumber;
        address page;
        uint256 pageProvider;
        // force
        uint256 forceProvider;
        address forceWorker;
    }

    /// @dev One group as read from the batch, and what its suffix past the cursor comes to.
    struct Group {
        uint256 stream;
        uint256 worker;
        uint256 first;
        uint256 count;
        uint256 signatureAt;
        uint256 receiptsAt;
        uint256 size;
        bytes32 segment;
        Cell cell;
        uint256 prefixUnits;
        uint256 allUnits;
    }

    uint256 private constant MIN_GROUP = 101; // four numbers, a signature and one receipt
    uint256 private constant INTERVAL = 900;
    uint256 private constant INTERVALS = 512;
    uint256 private constant MAX_PER_INTERVAL = type(uint8).max;
    uint256 private constant HOUR = 3600;
    uint8 private constant CLAIM_TALLIES = 1;
    address private constant SEVERAL = address(1);

    /// @notice Code of everything but settling, run on this contract's state.
    ITallystick public immutable DESK;
    /// @notice Who attests batches.
    ICommittee public immutable COMMITTEE;

    /// @dev chain (26 bytes) ‖ interval (4) ‖ count (2)
    mapping(uint256 slot => uint256 word) private _ring;
    /// @dev chain (27 bytes) ‖ time (5)
    mapping(uint256 number => uint256 word) private _records;

    constructor(
        ITallystick desk,
        ICommittee committee,
        ILedger.Parameters memory initial,
        address treasury,
        address committeeTreasury
    ) Ledger(desk.authority(), IERC20Metadata(desk.TOKEN()), IRegistry(desk.REGISTRY())) {
        DESK = desk;
        COMMITTEE = committee;
        _head.clock = uint32(block.timestamp);
        _head.touched = uint32(block.timestamp);
        _setParameters(initial);
        _setTreasuries(treasury, committeeTreasury);
    }

    /// @notice Refuses ether; the settlement holds one token only.
    receive() external payable {
        revert SettlementNoEther();
    }

    /// @inheritdoc ISettlement
    function settle(bytes calldata batch, bytes calldata authority) external returns (bytes memory outcomes) {
        // tx.origin, because the bytes must stand in the transaction's own input, where anyone can read them.
        // An account with delegated code could call itself first, hence no code either.
        // solhint-disable-next-line avoid-tx-origin
        require(msg.sender == tx.origin && msg.sender.code.length == 0, SettlementNotTopLevel(msg.sender));
        Run memory run = _begin(batch);
        Group memory group;
        bytes32[] memory leaves = new bytes32[](batch.length / MIN_GROUP + 1);
        outcomes = new bytes(leaves.length);
        uint256 groups = 0;
        uint256 moved = 0;
        do {
            Outcome outcome;
            (outcome, leaves[groups]) = _settleGroup(run, group);
            outcomes[groups++] = bytes1(uint8(outcome));
            if (outcome <= Outcome.Clamped) ++moved;
        } while (run.offset < run.end);
        require(run.offset == run.end, SettlementMalformedBatch(run.end - run.batchAt));
        _storeDeal(run);
        _storeProvider(run);
        _addFees(run.protocolFee, run.committeeFee);

        uint256 first;
        assembly ("memory-safe") {
            first := add(leaves, 32)
            mstore(outcomes, groups) // shortens the array to what was written
        }
        bytes32 root = MerkleLib.rootInPlace(first, groups);
        bytes memory applied = _applied(outcomes);
        if (run.lane == Lane.Attested) {
            (, uint8 claims) = COMMITTEE.verify(root, authority);
            require(claims & CLAIM_TALLIES != 0, SettlementNothingClaimed(claims));
            if (moved != 0) _chain(root, applied, run.clock);
        } else if (run.lane == Lane.Forced) {
            _requireForceAuthority(run, root, authority);
        }
        emit Settled(run.lane, root, applied, uint32(run.clock));
    }

    /// @inheritdoc ISettlement
    function intervalChain(uint32 interval) external view returns (bytes26 chain, uint16 count) {
        uint256 word = _ring[interval % INTERVALS];
        if (uint32(word >> 16) != interval) return (0, 0);
        return (bytes26(bytes32(word)), uint16(word));
    }

    /// @inheritdoc ISettlement
    function streamRecord(uint32 id, uint8 index) external view returns (bytes27 chain, uint32 time) {
        uint256 word = _records[(uint256(id) << 6) | index];
        return (bytes27(bytes32(word)), uint32(word));
    }

    /// @dev Every call that is not settling's own goes to the desk.
    function _implementation() internal view override returns (address) {
        return address(DESK);
    }

    function _begin(bytes calldata batch) private returns (Run memory run) {
        require(batch.length > 2, SettlementMalformedBatch(batch.length));
        require(uint8(batch[0]) == uint8(Mode.Calldata), SettlementUnsupportedMode(uint8(batch[0])));
        require(uint8(batch[1]) <= uint8(Lane.Forced), SettlementUnsupportedLane(uint8(batch[1])));
        run.lane = Lane(uint8(batch[1]));
        run.clock = _touch();
        run.window = run.lane == Lane.Forced ? _parameters.forcedWindow : _parameters.attestedWindow;
        run.closingPeriod = _parameters.closingPeriod;
        run.domain = _domainSeparatorV4();
        uint256 start;
        assembly ("memory-safe") {
            start := batch.offset
        }
        (run.batchAt, run.offset, run.end) = (start, start + 2, start + batch.length);
    }

    function _settleGroup(Run memory run, Group memory group) private returns (Outcome outcome, bytes32 leaf) {
        _readHeader(run, group);
        outcome = _judgeDeal(run, group);
        _readReceipts(run, group, outcome);
        leaf = MessageLib.groupHash(run.key, group.stream, group.first, group.count, group.segment);
        if (outcome != Outcome.Applied) return (outcome, leaf);
        uint256 units = group.cell.units() + group.allUnits - group.prefixUnits;
        if (units > type(uint48).max) return (Outcome.UnitsOverflow, leaf);
        outcome = _judgeSignatures(run, group, units);
        if (outcome != Outcome.Applied) return (outcome, leaf);
        if (units > _rateLimitDown(run.terms, run.clock)) return (Outcome.RateExceeded, leaf);
        return (_apply(run, group, units, leaf), leaf);
    }

    /// @dev Reads everything of a group before its receipts, and its deal's words when the deal changes.
    function _readHeader(Run memory run, Group memory group) private {
        uint256 step = _number(run, type(uint48).max);
        uint256 number = run.nextNumber + step;
        require(number >> 38 == 0, SettlementMalformedBatch(run.offset - run.batchAt));
        run.nextNumber = number + 1;
        group.stream = number & 63;
        group.worker = _number(run, type(uint32).max);
        group.first = _number(run, type(uint32).max);
        uint256 added = _number(run, type(uint32).max);
        group.count = group.first + added;
        require(added != 0 && group.count <= type(uint32).max, SettlementMalformedBatch(run.offset - run.batchAt));
        group.signatureAt = run.offset;
        run.offset += run.lane == Lane.Acknowledged ? 2 * SignatureLib.SIZE : SignatureLib.SIZE;
        group.receiptsAt = run.offset;

        uint256 id = number >> 6;
        if (id == run.deal && run.meter.state() != 0) return;
        _storeDeal(run);
        Deal storage self = _deals[id];
        (run.deal, run.key, run.terms, run.meter) = (id, self.key, self.terms, self.meter);
    }

    /// @dev Rules 4 and 5: the worker is the provider's, the tally is the worker's, the acknowledgement the buyer's.
    function _judgeSignatures(Run memory run, Group memory group, uint256 units) private returns (Outcome) {
        _loadProvider(run);
        address key = _workerKey(run, group.worker);
        bytes32 hash = MessageLib.tallyHash(run.key, group.stream, group.first, group.count, units, group.segment);
        bool signed = SignatureLib.recoverAt(MessageLib.digest(run.domain, hash), group.signatureAt) == key;
        if (key == address(0) || !signed) {
            // Members check both before they sign. Membership never changes, nor the tally while its stream stands
            // where the group begins: skipping would let anyone spoil all signatures but one and bring one attested
            // root group by group, a place in the ring for each. A stream that a conflicting tally moved is skipped.
            bool asAttested = key == address(0) || group.first == group.cell.cursor();
            require(run.lane != Lane.Attested || !asAttested, SettlementBadGroup(group.signatureAt - run.batchAt));
            return key == address(0) ? Outcome.NotAWorker : Outcome.BadSignature;
        }
        if (_isRevoked(run, group.worker)) return Outcome.NotAWorker;
        if (run.lane == Lane.Acknowledged) {
            hash = MessageLib.acknowledgementHash(run.key, group.stream, group.count, units, group.segment);
            address signer = SignatureLib.recoverAt(
                MessageLib.digest(run.domain, hash),
                group.signatureAt + SignatureLib.SIZE
            );
            if (signer == address(0) || signer != _deals[run.deal].ackKey) return Outcome.BadAcknowledgement;
        } else if (run.lane == Lane.Forced) {
            _noteForce(run, key);
        }
        return Outcome.Applied;
    }

    /// @dev Rules 7 to 9: what is paid, whether it may be, and the move itself.
    function _apply(Run memory run, Group memory group, uint256 units, bytes32 leaf) private returns (Outcome) {
        uint256 remaining = run.meter.remaining();
        uint256 due = (group.allUnits - group.prefixUnits) * run.terms.price();
        uint256 amount = due < remaining ? due : remaining;
        Terms terms = run.terms;
        if (run.lane == Lane.Acknowledged) terms = _lowerFloor(run.deal, group.stream, terms, units);
        if (int256(remaining - amount) < terms.floor()) return Outcome.ExposureExceeded;
        if (run.lane != Lane.Acknowledged && int256(amount) > run.wheel.room()) return Outcome.CoverageExceeded;

        run.meter = _setCell(run.deal, group.stream, run.meter, CellLib.pack(group.count, units)).withRemaining(
            remaining - amount
        );
        if (run.lane == Lane.Acknowledged) {
            _keepAcknowledgement(run, group.stream, units, terms);
            (uint256 protocolFee, uint256 committeeFee) = (0, 0);
            (run.wheel, protocolFee, committeeFee) = _creditMatured(run.provider, run.wheel, amount);
            run.protocolFee += protocolFee;
            run.committeeFee += committeeFee;
        } else {
            run.wheel = _creditUnmatured(run.provider, run.wheel, amount, run.clock, run.window);
        }
        if (run.lane != Lane.Attested) _record(run.deal, group.stream, leaf, run.clock);
        return due <= remaining ? Outcome.Applied : Outcome.Clamped;
    }

    function _keepAcknowledgement(Run memory run, uint256 index, uint256 units, Terms terms) private {
        if (units <= _acknowledged(run.deal, index)) return;
        _setAcknowledged(run.deal, index, units);
        run.terms = terms;
        _deals[run.deal].terms = terms;
    }

    function _storeDeal(Run memory run) private {
        // A deal that was never found has the zero word, and so has a run that has just begun.
        if (run.meter.state() == MeterLib.LIVE) _deals[run.deal].meter = run.meter;
    }

    function _loadProvider(Run memory run) private {
        uint256 provider = run.terms.provider();
        if (provider == run.provider) return;
        _storeProvider(run);
        (Wheel wheel, uint256 protocolFee, uint256 committeeFee) = _rolled(
            provider,
            _wheels[provider],
            run.clock / DAY
        );
        (run.provider, run.wheel) = (provider, wheel);
        run.protocolFee += protocolFee;
        run.committeeFee += committeeFee;
    }

    function _storeProvider(Run memory run) private {
        if (run.provider != 0) _wheels[run.provider] = run.wheel;
    }

    function _chain(bytes32 root, bytes memory applied, uint256 now_) private {
        uint256 interval = now_ / INTERVAL;
        uint256 word = _ring[interval % INTERVALS];
        if (uint32(word >> 16) != interval) word = 0;
        uint256 count = uint16(word) + 1;
        require(count <= MAX_PER_INTERVAL, SettlementIntervalFull(interval));
        bytes26 chain = bytes26(keccak256(abi.encodePacked(bytes26(bytes32(word)), root, applied, uint32(now_))));
        _ring[interval % INTERVALS] = uint256(bytes32(chain)) | (interval << 16) | count;
    }

    function _record(uint256 id, uint256 index, bytes32 leaf, uint256 now_) private {
        uint256 number = (id << 6) | index;
        bytes27 chain = bytes27(keccak256(abi.encodePacked(bytes27(bytes32(_records[number])), leaf)));
        _records[number] = uint256(bytes32(chain)) | now_;
    }

    /// @dev Rules 1 and 2: the deal lives, the stream exists and the group continues it.
    function _judgeDeal(Run memory run, Group memory group) private view returns (Outcome) {
        Meter meter = run.meter;
        if (meter.state() != MeterLib.LIVE || run.clock >= run.terms.end() + run.closingPeriod) {
            return Outcome.DealNotOpen;
        }
        if (meter.mode() == uint8(Mode.Net)) return Outcome.ModeMismatch;
        if (group.stream >= meter.streams()) return Outcome.StreamOutOfRange;
        group.cell = _cell(run.deal, group.stream, meter);
        uint256 cursor = group.cell.cursor();
        if (group.first > cursor) return Outcome.Gap;
        return group.count > cursor ? Outcome.Applied : Outcome.Stale;
    }

    /// @dev Zero if the worker is not the run's provider's.
    function _workerKey(Run memory run, uint256 worker) private view returns (address key) {
        uint256 number = worker / WorkerPages.ROWS;
        if (number != run.pageNumber) {
            address page = WorkerPages.addressOf(address(REGISTRY), number);
            (run.pageNumber, run.page, run.pageProvider) = (number, page, WorkerPages.providerOf(page));
        }
        if (run.pageProvider != run.provider) return address(0);
        key = WorkerPages.keyAt(run.page, worker % WorkerPages.ROWS);
    }

    function _isRevoked(Run memory run, uint256 worker) private view returns (bool) {
        if (!run.wheel.has(WheelLib.REVOCATIONS)) return false;
        uint256 from = REGISTRY.revokedFrom(uint32(worker));
        return from != 0 && run.clock >= from;
    }

    function _requireForceAuthority(Run memory run, bytes32 root, bytes calldata authority) private view {
        uint32 provider = uint32(run.forceProvider);
        if (provider == 0) return; // nothing was even signed by a worker, so nothing moved
        address signer = msg.sender;
        if (authority.length != 0) {
            bytes32 hash = MessageLib.forceHash(root, msg.sender);
            signer = SignatureLib.recover(MessageLib.digest(run.domain, hash), authority);
            if (signer == run.forceWorker && signer != SEVERAL) return;
        }
        require(
            signer != address(0) && REGISTRY.isOperator(provider, signer),
            SettlementForceUnauthorized(provider, msg.sender)
        );
    }

    /// @dev Every group's receipts are read, skipped ones too: only so the next group is found.
    function _readReceipts(Run memory run, Group memory group, Outcome outcome) private pure {
        uint256 skip = outcome == Outcome.Applied ? group.cell.cursor() - group.first : 0;
        uint256 prefix = 0;
        (prefix, group.prefixUnits) = BatchLib.scan(group.receiptsAt, skip);
        require(prefix != BatchLib.MALFORMED, SettlementMalformedBatch(group.receiptsAt - run.batchAt));
        (uint256 suffix, uint256 units) = BatchLib.scan(group.receiptsAt + prefix, group.count - group.first - skip);
        require(
            suffix != BatchLib.MALFORMED && group.receiptsAt + prefix + suffix <= run.end,
            SettlementMalformedBatch(group.receiptsAt - run.batchAt)
        );
        group.size = prefix + suffix;
        group.allUnits = group.prefixUnits + units;
        group.segment = BatchLib.hash(group.receiptsAt, group.size);
        run.offset = group.receiptsAt + group.size;
    }

    function _noteForce(Run memory run, address key) private pure {
        if (run.forceProvider == 0) (run.forceProvider, run.forceWorker) = (run.provider, key);
        uint32 provider = uint32(run.provider);
        require(run.forceProvider == provider, SettlementForceMixedProviders(uint32(run.forceProvider), provider));
        if (run.forceWorker != key) run.forceWorker = SEVERAL;
    }

    /// @dev Reads one number of the batch and moves past it.
    function _number(Run memory run, uint256 max) private pure returns (uint256 value) {
        uint256 size;
        (value, size) = BatchLib.varint(run.offset);
        require(
            size != 0 && value <= max && run.offset + size <= run.end,
            SettlementMalformedBatch(run.offset - run.batchAt)
        );
        run.offset += size;
    }

    /// @dev Units a stream may have been paid for by now, rounded down.
    function _rateLimitDown(Terms terms, uint256 now_) private pure returns (uint256) {
        uint256 until = now_ < terms.end() ? now_ : terms.end();
        return (terms.rateCap() * (until - terms.openedAt())) / HOUR;
    }

    function _applied(bytes memory outcomes) private pure returns (bytes memory bits) {
        bits = new bytes((outcomes.length + 7) / 8);
        for (uint256 i = 0; i < outcomes.length; ++i) {
            if (uint8(outcomes[i]) <= uint8(Outcome.Clamped)) bits[i / 8] |= bytes1(uint8(1 << (i % 8)));
        }
    }
}
