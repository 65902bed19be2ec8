// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IFaults} from "../interfaces/IFaults.sol";
import {Fault, Mode} from "../interfaces/ITypes.sol";
import {IVault} from "../interfaces/IVault.sol";
import {EvidenceLib} from "../libraries/EvidenceLib.sol";
import {Terms} from "../types/Terms.sol";
import {WheelLib} from "../types/Wheel.sol";
import {Remedies} from "./Remedies.sol";

/// @title SignedFaults
/// @notice Faults that tallies prove by themselves, and what the others have in common with them.
abstract contract SignedFaults is IFaults, Remedies {
    /// @dev Deal whose worker signed something. The worker found last is kept: mostly the next tally is its own, too.
    struct Accused {
        uint256 id;
        bytes32 key;
        Terms terms;
        bytes32 domain;
        uint256 now_;
        uint256 worker;
        uint256 provider;
        address signer;
    }

    /// @dev Longest dispute on what a worker signed.
    uint256 private constant LONGEST_DISPUTE = 33 hours;
    uint256 private constant HOUR = 1 hours;
    uint32 private constant EQUIVOCATION_GAS = 110_000;
    uint32 private constant OVERLAP_GAS = 120_000;
    uint32 private constant OVERCLAIM_GAS = 105_000;

    /// @inheritdoc IFaults
    function proveEquivocation(uint32 id, uint8 stream, bytes calldata tallies) external {
        Accused memory accused = _accuse(id, stream);
        require(tallies.length == 2 * EvidenceLib.TALLY_AND_SEGMENT, FaultsMalformed());
        uint256 offset = _offsetOf(tallies);
        EvidenceLib.Tally memory a = EvidenceLib.readTally(accused.key, stream, offset);
        EvidenceLib.Tally memory b = EvidenceLib.readTally(accused.key, stream, offset + EvidenceLib.TALLY_AND_SEGMENT);
        uint256 index = EvidenceLib.conflict(a, b);
        require(index != EvidenceLib.NONE, FaultsNothingWrong(Fault.Equivocation));
        _convictBoth(accused, stream, a, b, index, EQUIVOCATION_GAS);
    }

    /// @inheritdoc IFaults
    function proveOverlap(
        uint32 id,
        uint8 stream,
        uint24 index,
        bytes calldata tallies,
        bytes calldata receipts
    ) external {
        Accused memory accused = _accuse(id, stream);
        require(tallies.length == 2 * EvidenceLib.TALLY, FaultsMalformed());
        (uint256 offset, uint256 aAt) = (_offsetOf(tallies), _offsetOf(receipts));
        (EvidenceLib.Tally memory a, uint256 bAt) = EvidenceLib.readTallyOf(accused.key, stream, offset, aAt);
        (EvidenceLib.Tally memory b, uint256 end) = EvidenceLib.readTallyOf(
            accused.key,
            stream,
            offset + EvidenceLib.TALLY,
            bAt
        );
        require(end == aAt + receipts.length, FaultsMalformed());
        require(EvidenceLib.differAt(a, aAt, b, bAt, index), FaultsNothingWrong(Fault.Equivocation));
        _convictBoth(accused, stream, a, b, index, OVERLAP_GAS);
    }

    /// @inheritdoc IFaults
    function proveOverclaim(uint32 id, uint8 stream, bytes calldata tally) external {
        Accused memory accused = _accuse(id, stream);
        require(tally.length == EvidenceLib.TALLY_AND_SEGMENT, FaultsMalformed());
        EvidenceLib.Tally memory signed = EvidenceLib.readTally(accused.key, stream, _offsetOf(tally));
        uint256 elapsed = block.timestamp - accused.terms.openedAt();
        // units > 1.25 · cap · elapsed / 1 h + cap · 1 h / 1 h, in whole numbers on both sides
        uint256 most = accused.terms.rateCap() * (5 * elapsed + 4 * HOUR);
        require(4 * HOUR * signed.units > most, FaultsNothingWrong(Fault.Overclaim));
        _requireSigned(accused, signed);
        _convict(accused, stream, Fault.Overclaim, signed.first, signed.hash, signed.units, OVERCLAIM_GAS);
    }

    /// @notice The deal of this id, which has such a stream.
    function _accuse(uint256 id, uint256 stream) internal returns (Accused memory accused) {
        (accused.now_, accused.domain) = (_touch(), _domainSeparatorV4());
        _accuseToo(accused, id, stream);
    }

    /// @notice Slashes the deal's provider for a fault of a stream that makes its receipts void from `index` on.
    /// @param units Most units that one of the tallies shown has.
    function _convict(
        Accused memory accused,
        uint256 stream,
        Fault fault,
        uint256 index,
        bytes32 detail,
        uint256 units,
        uint32 proofGas
    ) internal {
        IVault.Charge memory charge;
        (charge.fault, charge.proofGas, charge.reporter) = (fault, proofGas, msg.sender);
        charge.evidence = EvidenceLib.evidenceOf(index, detail);
        // The chain does not know what a netted stream was paid for: no more than was signed and the budget holds.
        if (accused.terms.mode() == uint256(Mode.Net)) {
            uint256 budget = _deals[accused.id].purse.budget();
            uint256 value = units * accused.terms.price();
            charge.asked = _cutUp(_inStakeUp(PENALTY * (value < budget ? value : budget)));
        }
        _penalize(accused.id, accused.terms, stream, PENALTY, charge, accused.now_);
        emit FaultProven(charge.subject, uint24(index), detail);
    }

    /// @notice The same of another deal; whose workers are known already stay so.
    function _accuseToo(Accused memory accused, uint256 id, uint256 stream) internal view {
        Deal storage self = _deals[id];
        Terms terms = self.terms;
        (accused.id, accused.key, accused.terms) = (id, self.key, terms);
        bool holds = terms.state() != 0 && stream < terms.streams();
        require(holds, FaultsNoSuchStream(uint32(id), uint8(stream)));
    }

    /// @notice Reverts unless a worker of the deal's provider signed the tally, whose word still counts.
    /// @return key The worker's key.
    function _requireSigned(
        Accused memory accused,
        EvidenceLib.Tally memory tally
    ) internal view returns (address key) {
        (uint256 worker, uint256 provider) = (tally.worker, accused.provider);
        bool isKnown = worker == accused.worker && accused.signer != address(0);
        if (!isKnown) (provider, accused.signer) = EvidenceLib.workerAt(address(REGISTRY), worker);
        (accused.worker, accused.provider, key) = (worker, provider, accused.signer);
        bool isTheirs = provider == accused.terms.provider() && key != address(0);
        require(isTheirs && EvidenceLib.signerOf(tally, accused.domain) == key, FaultsNotSigned(uint40(worker)));
        if (isKnown || !_wheels[provider].has(WheelLib.REVOCATIONS)) return key;
        uint256 from = REGISTRY.revokedFrom(uint40(tally.worker));
        require(
            from == 0 || accused.now_ <= from + _head.forcedWindow + LONGEST_DISPUTE,
            FaultsRevoked(uint40(tally.worker))
        );
    }

    function _cutUp(uint256 amount) internal pure returns (uint96) {
        return amount < type(uint96).max ? uint96(amount) : type(uint96).max;
    }

    function _offsetOf(bytes calldata evidence) internal pure returns (uint256 offset) {
        assembly ("memory-safe") {
            offset := evidence.offset
        }
    }

    function _convictBoth(
        Accused memory accused,
        uint256 stream,
        EvidenceLib.Tally memory a,
        EvidenceLib.Tally memory b,
        uint256 index,
        uint32 proofGas
    ) private {
        // Ascending, so that nobody makes other evidence of the same tallies.
        require(a.hash < b.hash, FaultsMalformed());
        _requireSigned(accused, a);
        _requireSigned(accused, b);
        bytes32 detail = keccak256(abi.encode(a.hash, b.hash));
        uint256 units = a.units > b.units ? a.units : b.units;
        _convict(accused, stream, Fault.Equivocation, index, detail, units, proofGas);
    }
}
