// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {IArbiter, IArbitrable} from "./IArbiter.sol";
import {IDisputes} from "./IDisputes.sol";
import {IReferee} from "./IReferee.sol";

/// @title IArbiterReferee
/// @notice A referee that asks the arbiter the offer names. For work that nobody can prove.
/// @dev Each side pays the arbiter's fee, in the chain's own currency, and then says so with an empty move: first
/// the challenger's side, then the asserter's, whose payment submits the claim. One fee is the arbiter's, the other
/// one goes to who wins; where the arbiter refuses or is silent, back in halves. All games on a claim share one ruling,
/// so only its first challenger pays. A fee that rises in between is borne by who pays later.
interface IArbiterReferee is IReferee, IArbitrable {
    /// @notice Who pays.
    enum Side {
        Asserter,
        Challenger
    }

    /// @notice Where a claim stands with its arbiter.
    enum CaseState {
        None,
        Submitted,
        Decided
    }

    /// @notice What is kept of a claim.
    /// @param state See {CaseState}.
    /// @param outcome Once decided.
    /// @param fee Wei that is here for who wins.
    /// @param payers By side; zero where nobody paid.
    struct Case {
        CaseState state;
        Turn outcome;
        uint256 fee;
        address[2] payers;
    }

    /// @notice A side's fee was paid.
    /// @param claim The claim.
    /// @param side Whose.
    /// @param payer Who paid.
    /// @param cost Wei.
    event Paid(bytes32 indexed claim, Side indexed side, address payer, uint256 cost);

    /// @notice A claim is with its arbiter.
    /// @param claim The claim.
    /// @param arbiter Who rules.
    /// @param dispute Its id there.
    event Submitted(bytes32 indexed claim, IArbiter indexed arbiter, uint256 dispute);

    /// @notice A claim was decided.
    /// @param claim The claim.
    /// @param outcome How.
    event Decided(bytes32 indexed claim, Turn outcome);

    /// @notice Wei was paid out.
    /// @param account Whose it was.
    /// @param amount Wei.
    event Withdrawn(address indexed account, uint256 amount);

    /// @notice The claim is not open; or it still is, or nothing is here to be reclaimed.
    error ArbiterRefereeNotOpen(bytes32 claim);

    /// @notice The side has paid.
    error ArbiterRefereePaid(bytes32 claim, Side side);

    /// @notice The arbiter asks for more.
    error ArbiterRefereeTooLittle(uint256 paid, uint256 cost);

    /// @notice The caller has no such dispute that is not decided, or no such choice.
    error ArbiterRefereeBadDispute(uint256 dispute);

    /// @notice The account has nothing here, or takes no wei.
    error ArbiterRefereeUnpaid(address account);

    /// @notice Pays a side's fee; what is more than that returns.
    /// @param claim An open claim.
    /// @param side Whose fee.
    function pay(IReferee.Claim calldata claim, Side side) external payable;

    /// @notice Returns the fee of a claim that ended before both sides had paid, or before its arbiter ruled.
    /// @param claim Its identity.
    function reclaim(bytes32 claim) external;

    /// @notice Pays an account what it is owed. Permissionless.
    /// @param account Whose money.
    function withdraw(address account) external;

    /// @notice What an account can be paid.
    /// @param account Whose money.
    /// @return Wei.
    function owed(address account) external view returns (uint256);

    /// @notice What is kept of a claim.
    /// @param claim Its identity.
    /// @return See {Case}.
    function caseOf(bytes32 claim) external view returns (Case memory);

    /// @notice Where the games are played.
    /// @return Its address.
    function DISPUTES() external view returns (IDisputes);
}
