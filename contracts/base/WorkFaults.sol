// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IFaults} from "../interfaces/IFaults.sol";
import {Fault} from "../interfaces/ITypes.sol";
import {EvidenceLib} from "../libraries/EvidenceLib.sol";
import {MessageLib} from "../libraries/MessageLib.sol";
import {Terms} from "../types/Terms.sol";
import {SignedFaults} from "./SignedFaults.sol";

/// @title WorkFaults
/// @notice Faults that show in signed receipts together with what their work hashes are of.
abstract contract WorkFaults is SignedFaults {
    /// @dev Receipts of one worker that were read so far, and the instants that all of them share.
    struct Shift {
        uint256 receipts;
        uint256 from;
        uint256 until;
        address worker;
        uint256 provider;
        uint256 place;
        bytes32 hashes;
    }

    /// @inheritdoc IFaults
    uint64 public constant CAPACITY_NOTICE = 7 days;
    uint256 private constant MAX_RECEIPTS = 8;
    uint256 private constant ORDER = 46; // index, input root, most units
    uint32 private constant DUPLICATE_GAS = 120_000;
    uint32 private constant MAXIMUM_GAS = 115_000;
    uint32 private constant DOUBLE_GAS = 110_000;
    uint32 private constant DOUBLE_GAS_MORE = 12_000;

    /// @inheritdoc IFaults
    function proveDuplicate(bytes calldata receipts) external {
        uint256 offset = _offsetOf(receipts);
        uint256 end = offset + receipts.length;
        (Accused memory accused, EvidenceLib.Receipt memory a, uint256 next) = _readFirst(offset);
        (EvidenceLib.Receipt memory b, uint256 read) = _readNext(accused, next);
        require(read == end && _placeOf(a) < _placeOf(b), FaultsMalformed());
        require(a.deal == b.deal && a.taskHash == b.taskHash, FaultsNothingWrong(Fault.DuplicateTask));
        bytes32 detail = keccak256(
            abi.encode(EvidenceLib.receiptHash(accused.key, a), EvidenceLib.receiptHash(accused.key, b))
        );
        uint256 units = b.tally.units;
        _convict(accused, b.stream, Fault.DuplicateTask, b.index, detail, units, DUPLICATE_GAS);
    }

    /// @inheritdoc IFaults
    function proveOverMaximum(bytes calldata receipt, bytes calldata order) external {
        uint256 offset = _offsetOf(receipt);
        (Accused memory accused, EvidenceLib.Receipt memory one, uint256 next) = _readFirst(offset);
        require(next == offset + receipt.length && order.length == ORDER, FaultsMalformed());
        (uint256 index, uint256 maxUnits) = (uint64(bytes8(order)), uint48(bytes6(order[40:])));
        bytes32 taskHash = MessageLib.orderHash(accused.key, index, bytes32(order[8:40]), maxUnits);
        require(taskHash == one.taskHash && one.units > maxUnits, FaultsNothingWrong(Fault.OverMaximum));
        bytes32 detail = EvidenceLib.receiptHash(accused.key, one);
        _convict(accused, one.stream, Fault.OverMaximum, one.index, detail, one.tally.units, MAXIMUM_GAS);
    }

    /// @inheritdoc IFaults
    function proveDoubleSelling(bytes calldata receipts) external {
        uint256 offset = _offsetOf(receipts);
        uint256 end = offset + receipts.length;
        (Accused memory accused, EvidenceLib.Receipt memory first, uint256 next) = _readFirst(offset);
        (uint256 sold, bytes32 key, Terms terms) = (accused.id, accused.key, accused.terms);
        Shift memory shift = Shift(0, 0, type(uint64).max, accused.signer, terms.provider(), 0, 0);
        _work(shift, accused, first);
        while (next < end) {
            EvidenceLib.Receipt memory one;
            (uint256 id, uint256 stream) = EvidenceLib.placeOf(next);
            if (id != accused.id) _accuseToo(accused, id, stream);
            (one, next) = _readNext(accused, next);
            _work(shift, accused, one);
        }
        (accused.id, accused.key, accused.terms) = (sold, key, terms);
        require(next == end && shift.receipts <= MAX_RECEIPTS, FaultsMalformed());
        uint256 capacity = _capacityAt(shift.provider, shift.from);
        require(
            capacity != 0 && shift.receipts > capacity && shift.from < shift.until,
            FaultsNothingWrong(Fault.DoubleSelling)
        );
        uint32 proofGas = DOUBLE_GAS + DOUBLE_GAS_MORE * uint32(shift.receipts - 1);
        uint256 units = first.tally.units;
        _convict(accused, first.stream, Fault.DoubleSelling, first.index, shift.hashes, units, proofGas);
    }

    /// @inheritdoc IFaults
    function declareCapacity(uint32 provider, uint16 capacity) external {
        _touch();
        require(REGISTRY.isOperator(provider, msg.sender), FaultsUnauthorized(provider, msg.sender));
        uint64 from = uint64(block.timestamp) + CAPACITY_NOTICE;
        uint16 current = uint16(_capacityAt(provider, block.timestamp));
        _capacities[provider] = Capacity(current, capacity, from);
        emit CapacityDeclared(provider, capacity, from);
    }

    /// @inheritdoc IFaults
    function capacityOf(uint32 provider) external view returns (uint16 capacity, uint16 next, uint64 from) {
        Capacity memory self = _capacities[provider];
        return (uint16(_capacityAt(provider, block.timestamp)), self.next, self.from);
    }

    function _readFirst(
        uint256 offset
    ) private returns (Accused memory accused, EvidenceLib.Receipt memory receipt, uint256 next) {
        (uint256 id, uint256 stream) = EvidenceLib.placeOf(offset);
        accused = _accuse(id, stream);
        (receipt, next) = _readNext(accused, offset);
    }

    /// @dev Of the accused deal, whatever id it names.
    function _readNext(
        Accused memory accused,
        uint256 offset
    ) private view returns (EvidenceLib.Receipt memory receipt, uint256 next) {
        (receipt, next) = EvidenceLib.readReceipt(accused.key, offset);
        require(receipt.units != 0 && receipt.stream < accused.terms.streams(), FaultsMalformed());
        _requireSigned(accused, receipt.tally);
    }

    /// @dev Instants are unix seconds as workers write them, so not of the protocol clock.
    function _capacityAt(uint256 provider, uint256 instant) private view returns (uint256) {
        Capacity memory self = _capacities[provider];
        return instant < self.from ? self.current : self.next;
    }

    /// @notice Adds a receipt, whose worker was found just now, to those that this worker did at once.
    function _work(Shift memory shift, Accused memory accused, EvidenceLib.Receipt memory one) private pure {
        uint256 place = _placeOf(one) + 1;
        bool isTheirs = accused.signer == shift.worker && accused.provider == shift.provider;
        require(place > shift.place, FaultsMalformed());
        require(isTheirs, FaultsNothingWrong(Fault.DoubleSelling));
        ++shift.receipts;
        shift.place = place;
        if (one.startedAt > shift.from) shift.from = one.startedAt;
        if (one.endedAt < shift.until) shift.until = one.endedAt;
        shift.hashes = keccak256(abi.encode(shift.hashes, EvidenceLib.receiptHash(accused.key, one)));
    }

    function _placeOf(EvidenceLib.Receipt memory one) private pure returns (uint256) {
        return (one.deal << 32) | (one.stream << 24) | one.index;
    }
}
