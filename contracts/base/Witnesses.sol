// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

import {IBonds} from "../interfaces/IBonds.sol";
import {IOpenings} from "../interfaces/IOpenings.sol";
import {IOversight} from "../interfaces/IOversight.sol";
import {IRegistry} from "../interfaces/IRegistry.sol";
import {IRemedies} from "../interfaces/IRemedies.sol";
import {ITallystick} from "../interfaces/ITallystick.sol";
import {Fault} from "../interfaces/ITypes.sol";
import {IVault} from "../interfaces/IVault.sol";
import {AttestationLib} from "../libraries/AttestationLib.sol";
import {CodePages} from "../libraries/CodePages.sol";
import {CommitteePages} from "../libraries/CommitteePages.sol";
import {MessageLib} from "../libraries/MessageLib.sol";
import {SignatureLib} from "../libraries/SignatureLib.sol";

/// @title Witnesses
/// @notice Who signed what as a member of which epoch, and what it costs them.
/// @dev Signers of an epoch stand in the committee's code pages for good, so every member of every epoch is found
/// without storage, and is liable as long as its bond is there.
abstract contract Witnesses is IOversight {
    /// @dev What signers answer for.
    /// @param fault Class.
    /// @param proofGas Gas of the proof.
    /// @param bondBps Least part of the bond that is asked for.
    /// @param asked Asked for from each, at least; stake token base units.
    /// @param restitution Part of it for the victim, from each.
    /// @param victim Who was harmed.
    /// @param subject What each signer is punished for once.
    /// @param evidence What a commitment binds, besides the signer.
    struct Matter {
        Fault fault;
        uint32 proofGas;
        uint16 bondBps;
        uint96 asked;
        uint96 restitution;
        address victim;
        bytes32 subject;
        bytes32 evidence;
    }

    uint256 internal constant BPS = 10_000;
    uint256 private constant HEADER = 9; // epoch, claims, bitmap
    uint256 private constant MAX_MEMBERS = 32;

    /// @inheritdoc IOversight
    ITallystick public immutable SETTLEMENT;
    /// @inheritdoc IOversight
    IOpenings public immutable OPENINGS;

    address internal immutable _COMMITTEE;
    IRegistry internal immutable _REGISTRY;
    IRemedies internal immutable _REMEDIES;
    IVault internal immutable _VAULT;

    constructor(ITallystick settlement, IOpenings openings) {
        (SETTLEMENT, OPENINGS) = (settlement, openings);
        address registry = settlement.REGISTRY();
        (_REGISTRY, _VAULT) = (IRegistry(registry), IVault(registry));
        (_COMMITTEE, _REMEDIES) = (settlement.COMMITTEE(), IRemedies(address(settlement)));
    }

    /// @notice Slashes each of these who was not yet punished for this matter.
    /// @return slashed How many.
    function _slashAll(Matter memory matter, address[] memory signers) internal returns (uint256 slashed) {
        for (uint256 i = 0; i < signers.length; ++i) {
            if (_slashOne(matter, signers[i])) ++slashed;
        }
    }

    /// @return Whether it was not punished for this matter before.
    function _slashOne(Matter memory matter, address signer) internal returns (bool) {
        bytes32 subject = _subjectOf(matter.subject, matter.fault, signer);
        if (_VAULT.punishedAt(subject) != 0) return false;
        uint256 asked = matter.asked;
        if (matter.bondBps != 0) asked = Math.max(asked, _partOf(signer, matter.bondBps));
        IVault.Charge memory charge = IVault.Charge({
            subject: subject,
            fault: matter.fault,
            proofGas: matter.proofGas,
            asked: uint96(asked),
            restitution: matter.restitution,
            victim: matter.victim,
            reporter: msg.sender,
            evidence: keccak256(abi.encode(matter.evidence, signer))
        });
        _VAULT.slashBond(signer, charge);
        return true;
    }

    /// @notice Members who signed this root, and what they claim. Reverts unless all that the bytes name did.
    function _signersOf(
        bytes calldata attestation,
        bytes32 root
    ) internal view returns (address[] memory signers, uint256 claims) {
        uint256 word;
        uint256 offset;
        assembly ("memory-safe") {
            offset := add(attestation.offset, HEADER)
            word := calldataload(attestation.offset)
        }
        (uint256 epoch, uint256 bitmap) = (word >> 224, uint32(word >> 184));
        claims = uint8(word >> 216);
        uint256 count = _ones(bitmap);
        require(
            count != 0 && attestation.length == HEADER + SignatureLib.SIZE * count,
            OversightMalformedAttestation(attestation.length)
        );
        bytes32 digest = _digest(AttestationLib.structHash(epoch, root, claims));
        uint256 first = _membersOf(epoch);
        signers = new address[](count);
        uint256 member = 0;
        for (uint256 i = 0; i < count; ++member) {
            if ((bitmap >> member) & 1 == 0) continue;
            address signer = SignatureLib.recoverAt(digest, offset + SignatureLib.SIZE * i);
            require(_isMember(first, member, signer), OversightNotSigned(i));
            signers[i++] = signer;
        }
    }

    /// @notice Part of a member's bond, with what thaws of it, rounded up.
    function _partOf(address signer, uint256 bps) internal view returns (uint256) {
        IBonds.BondView memory bond = _REGISTRY.bondOf(signer);
        return Math.ceilDiv((uint256(bond.stake) + bond.thawing) * bps, BPS);
    }

    /// @dev Digest of what members sign.
    function _digest(bytes32 structHash) internal view returns (bytes32) {
        return MessageLib.digest(AttestationLib.domainOf(_COMMITTEE), structHash);
    }

    /// @return position Memory position of the epoch's member 0; zeros where there is none.
    function _membersOf(uint256 epoch) internal view returns (uint256 position) {
        return CommitteePages.load(CodePages.addressOf(_COMMITTEE, epoch), MAX_MEMBERS);
    }

    /// @dev Nobody's signature recovers to zero, which stands where there is no member.
    function _isMember(uint256 first, uint256 member, address signer) internal pure returns (bool) {
        return signer != address(0) && signer == CommitteePages.signerAt(first + CommitteePages.SIGNER * member);
    }

    function _subjectOf(bytes32 subject, Fault fault, address signer) internal pure returns (bytes32) {
        return keccak256(abi.encode(subject, fault, signer));
    }

    function _ones(uint256 bits) private pure returns (uint256 count) {
        for (; bits != 0; bits &= bits - 1) ++count;
    }
}
