// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ICommittee} from "../interfaces/ICommittee.sol";
import {IEpochs} from "../interfaces/IEpochs.sol";
import {AttestationLib} from "../libraries/AttestationLib.sol";
import {Epoch, EpochLib} from "../types/Epoch.sol";

/// @title Epochs
/// @notice See {IEpochs}.
/// @dev The grace period runs on block time: a halted chain can only make members sign again under the new epoch.
/// @custom:invariant an attestation holds for one root, one epoch and at least the threshold of its members
abstract contract Epochs is IEpochs {
    /// @notice Who attests batches.
    ICommittee public immutable COMMITTEE;

    uint256 private immutable _CHAIN;
    bytes32 private immutable _DOMAIN;

    Epoch private _currentEpoch;
    Epoch private _lastEpoch;

    constructor(ICommittee committee) {
        COMMITTEE = committee;
        (_CHAIN, _DOMAIN) = (block.chainid, AttestationLib.domainOf(address(committee)));
    }

    /// @inheritdoc IEpochs
    function startEpoch(uint32 number, address page, uint8 threshold, uint8 members, uint40 grace) external {
        require(msg.sender == address(COMMITTEE), EpochsOnlyCommittee(msg.sender));
        if (_currentEpoch.number() != 0) _lastEpoch = _currentEpoch.endedBy(block.timestamp + grace);
        _currentEpoch = EpochLib.pack(number, page, threshold, members);
    }

    /// @inheritdoc IEpochs
    function epochs() public view returns (uint256 current, uint256 last) {
        return (Epoch.unwrap(_currentEpoch), Epoch.unwrap(_lastEpoch));
    }

    /// @notice Reverts unless enough members of an epoch that is valid now attest `root`.
    function _verifyAttestation(bytes32 root, bytes calldata authority) internal view returns (uint8) {
        (uint256 claims, , ) = _attestation(root, authority);
        return uint8(claims);
    }

    /// @notice The same, and who they are: bit i of `members`, lowest first, is member i of `number`.
    function _attestation(
        bytes32 root,
        bytes calldata authority
    ) internal view returns (uint256 claims, uint256 number, uint256 members) {
        Epoch epoch = _currentEpoch;
        uint256 named = AttestationLib.epochOf(authority);
        if (named != epoch.number()) {
            Epoch last = _lastEpoch;
            bool valid = named == last.number() && block.timestamp <= last.until();
            require(valid, ICommittee.CommitteeBadEpoch(uint32(named), uint32(epoch.number())));
            epoch = last;
        }
        // No epoch has number 0, but the words that were never written do.
        require(named != 0, ICommittee.CommitteeBadEpoch(0, uint32(epoch.number())));
        // A chain that splits off has another domain.
        bytes32 domain = block.chainid == _CHAIN ? _DOMAIN : AttestationLib.domainOf(address(COMMITTEE));
        (claims, members) = AttestationLib.verify(epoch, domain, root, authority);
        return (claims, named, members);
    }
}
