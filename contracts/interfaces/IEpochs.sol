// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

/// @title IEpochs
/// @notice Which committee's attestations settle: the current epoch's, and for a time the last one's.
/// @dev The committee tells it when an epoch starts, so that settling needs not call the committee. What is wrong with
/// an attestation is said with the errors of {ICommittee}.
interface IEpochs {
    /// @notice Only the committee may call this.
    error EpochsOnlyCommittee(address caller);

    /// @notice Starts an epoch. The one before attests for `grace` more seconds of block time, every older one no more.
    /// @dev Committee only.
    /// @param number Its number.
    /// @param page Code page with the members' signers.
    /// @param threshold Signatures an attestation needs.
    /// @param members Number of members.
    /// @param grace Seconds.
    function startEpoch(uint32 number, address page, uint8 threshold, uint8 members, uint40 grace) external;

    /// @notice The epochs that may attest, as words of `types/Epoch.sol`.
    /// @return current The epoch in force; zero before the committee is bound.
    /// @return last The one before it, with its end; zero if there was none since.
    function epochs() external view returns (uint256 current, uint256 last);
}
