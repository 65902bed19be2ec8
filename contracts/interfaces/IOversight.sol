// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {INetProofs} from "./INetProofs.sol";
import {IOpenings} from "./IOpenings.sol";
import {ITallystick} from "./ITallystick.sol";
import {Fault} from "./ITypes.sol";
import {IVault} from "./IVault.sol";

/// @title IOversight
/// @notice What follows when settled groups are opened: faults of committee members, and the money of a provider's
/// fault.
/// @dev A court. Everything is anyone's to call and pays its caller as the reporter.
///
/// **Evidence of a provider's fault.** The `evidence` of every case of a deal's stream is
/// `keccak256(abi.encode(uint256 index, bytes32 detail))`. `index` is the number of the stream's receipts before the
/// first one that the fault counts against. Where one receipt was refuted (Unordered, WrongResult, Withheld,
/// Minority), `detail` is the hash of what fixes that receipt; else it is any hash that a copier of the proof cannot
/// change.
///
/// **Attestations** come as they were settled, `epoch (4) ‖ claims (1) ‖ bitmap (4) ‖ signatures (64 each)`, with any
/// of their members: one member is a transaction of constant cost, all of them are one transaction. Every member of any
/// past epoch is liable as long as its bond is there. What it loses says {IVault-Slashed}.
///
/// **A place under a root** is `mode (1) ‖ [hash of the blobs (32), unless mode is 0] ‖ groups (4) ‖ index of the group
/// (4) ‖ segment (32) ‖ tally (44) ‖ hashes of the other groups of its chunk of 8 ‖ Merkle path of the chunk`. The
/// root need not have been settled. Other places are those of {IOpenings}.
interface IOversight {
    /// @notice A case of a stream, and what its evidence is the hash of.
    /// @param facts The case, as {IVault} keeps it.
    /// @param fault Its class.
    /// @param index Receipts of the stream before the first one that the fault counts against.
    /// @param detail The other half of the evidence.
    struct Refutation {
        IVault.Case facts;
        Fault fault;
        uint24 index;
        bytes32 detail;
    }

    /// @notice A promise as a member signed it.
    /// @param epoch Epoch in which it is a member.
    /// @param member Its index there.
    /// @param before Second on the protocol clock by which a batch was to contain the tally.
    /// @param signature EIP-2098, 64 bytes.
    struct SignedPromise {
        uint32 epoch;
        uint8 member;
        uint32 before;
        bytes signature;
    }

    /// @notice The units of a stream were voided from a receipt on.
    /// @param id Deal's id.
    /// @param stream Index.
    /// @param keep Units that stay.
    /// @param amount What the deal has left again, settlement token base units.
    event VoidedFrom(uint32 indexed id, uint8 indexed stream, uint40 keep, uint64 amount);

    /// @notice A wrong net was given back to the buyer who paid it.
    /// @param root Root of the net batch.
    /// @param buyer Who was harmed.
    /// @param returned Clawed back from its provider, settlement token base units.
    /// @param restitution What the members who signed answer for, settlement token base units.
    event NetRighted(bytes32 indexed root, address indexed buyer, uint64 returned, uint64 restitution);

    /// @notice The case is not this one, was returned, or its evidence is another.
    error OversightNoSuchCase(bytes32 subject);

    /// @notice The group stands under another root than the members signed.
    error OversightOtherRoot(bytes32 root);

    /// @notice The attestation's length does not fit its bitmap, or it names nobody.
    error OversightMalformedAttestation(uint256 length);

    /// @notice Signature `position` is not the member's that the bitmap names.
    error OversightNotSigned(uint256 position);

    /// @notice The place has fewer or more bytes than it needs.
    error OversightMalformedPlace(uint256 length);

    /// @notice Nothing that members claimed is refuted by this fault.
    error OversightNotClaimed(Fault fault, uint8 claims);

    /// @notice The group does not hold the receipt in question.
    error OversightOtherGroup(bytes32 tally);

    /// @notice The two groups can be of one honest stream.
    error OversightNoConflict();

    /// @notice The receipts are not the group's, or not 35 bytes each.
    error OversightOtherReceipts();

    /// @notice It was settled in time, or the promise can no longer be held against anyone.
    error OversightPromiseKept(uint32 settledAt, uint32 before);

    /// @notice Every signer was punished for this before, and nothing is left to void.
    error OversightPunished(bytes32 about);

    /// @notice The settlement refused to void the group, for another reason than its age.
    error OversightNotVoided(bytes reason);

    /// @notice The deal has another key.
    error OversightNoSuchDeal(uint32 id);

    /// @notice Not the buyer whom the record names.
    error OversightOtherBuyer(address buyer);

    /// @notice This function of {INetProofs} shows no wrong net.
    error OversightNotANetProof(bytes4 selector);

    /// @notice Voids what was settled of a stream from a punished fault's index on, O(1).
    /// @dev The group must be the one that contains the index, or begin behind it: where it begins, as long as no
    /// earlier one is shown, is where voiding begins.
    /// @param id Deal's id.
    /// @param refutation The provider's case.
    /// @param place The settled group's place: in a batch, or in its stream's record.
    /// @param receipts Bytes of all the group's receipts; their hash alone suffices where the index is not above the
    /// receipts that were settled before the group.
    /// @param recorded Whether `place` is one in a stream.
    /// @return amount What the deal has left again, settlement token base units.
    function voidFrom(
        uint32 id,
        Refutation calldata refutation,
        bytes calldata place,
        bytes calldata receipts,
        bool recorded
    ) external returns (uint64 amount);

    /// @notice Voids a group whose blob does not hold what was signed, and slashes the members who attested it.
    /// @param id Deal's id.
    /// @param place The group's place in its batch.
    /// @param segment Hash that the worker signed.
    /// @param opening What the blob holds instead.
    /// @param attestation Of the batch; may be empty where only the money matters.
    /// @return amount What the deal has left again, settlement token base units.
    function proveVoid(
        uint32 id,
        bytes calldata place,
        bytes32 segment,
        IOpenings.BlobOpening calldata opening,
        bytes calldata attestation
    ) external returns (uint64 amount);

    /// @notice Slashes members who claimed what a case refutes: orders exist (Unordered), results were re-executed
    /// alike (WrongResult) or agree (Minority, WrongResult), outputs are retrievable (Withheld).
    /// @param refutation The provider's case.
    /// @param place The group's place under the root that they signed; for class Minority its place in a batch, because
    /// panels judge what was settled.
    /// @param receipts Bytes of all the group's receipts; for class Minority their hash; empty where the refutation's
    /// `detail` is the group's tally.
    /// @param opening What else `detail` names: of a demand for an output the number of the chunk (4), of a claim all
    /// of it ({IReferee-Claim}, in words), else nothing.
    /// @param attestation What they signed.
    function proveBadAttestation(
        Refutation calldata refutation,
        bytes calldata place,
        bytes calldata receipts,
        bytes calldata opening,
        bytes calldata attestation
    ) external;

    /// @notice Slashes one member who signed two roots with different content for one stream range.
    /// @param places Of the two groups, each under its root.
    /// @param attestations Of the two roots, each with this member alone.
    /// @param receipts Bytes of both groups' receipts where only those show the conflict; else empty.
    function proveConflict(
        bytes[2] calldata places,
        bytes[2] calldata attestations,
        bytes[2] calldata receipts
    ) external;

    /// @notice Slashes a member whose promised group was settled after its time, by no batch of the committee.
    /// @dev Within a day after `before`: until 72 hours later, batches that discharge the member can be opened.
    /// @param promised What it signed.
    /// @param place The group's place in its stream's record.
    /// @param segment Hash of its receipts' bytes.
    function proveBroken(SignedPromise calldata promised, bytes calldata place, bytes32 segment) external;

    /// @notice Returns what was taken for a broken promise: a batch contained the group in time.
    /// @param facts The case.
    /// @param before As promised.
    /// @param place The group's place in a batch, which may have skipped it.
    /// @param segment Hash of its receipts' bytes.
    function discharge(IVault.Case calldata facts, uint32 before, bytes calldata place, bytes32 segment) external;

    /// @notice Slashes the members who attested a net batch that {INetProofs} shows to be wrong, and gives what a
    /// record misdirected back to its buyer: from the provider's earnings that have not matured, the rest from the
    /// members' bonds.
    /// @param proof Call of {INetProofs}, selector and arguments.
    /// @param buyer Account of the buyer who was harmed; ignored where the fault harms nobody by itself.
    /// @param attestation Of the batch.
    function proveWrongNet(bytes calldata proof, address buyer, bytes calldata attestation) external;

    /// @notice The settlement whose groups are opened.
    /// @return Its address.
    function SETTLEMENT() external view returns (ITallystick);

    /// @notice Opens what the settlement keeps hashes of.
    /// @return Its address.
    function OPENINGS() external view returns (IOpenings);

    /// @notice Shows what is wrong with net batches.
    /// @return Its address.
    function NET_PROOFS() external view returns (INetProofs);
}
