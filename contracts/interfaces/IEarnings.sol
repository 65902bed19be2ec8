// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

/// @title IEarnings
/// @notice What providers have earned: unmatured in day buckets, then claimable, paid when asked for.
/// @dev Amounts are base units of the settlement token. Fees are taken once, when money matures, each rounded down.
interface IEarnings {
    /// @notice A provider's money.
    /// @param claimable Matured, net of fees.
    /// @param unmatured Sum of the buckets, gross.
    /// @param cover Most that may be unmatured: coverage times the slashable stake's value.
    /// @param day Day the wheel was last rolled to, days on the protocol clock.
    /// @param attested Buckets that mature on day + 1 and day + 2.
    /// @param forced Buckets that mature on day + 1 to day + 4.
    struct EarningsView {
        uint64 claimable;
        uint64 unmatured;
        uint64 cover;
        uint32 day;
        uint64[2] attested;
        uint64[4] forced;
    }

    /// @notice Money matured for a provider.
    /// @param provider Provider's id.
    /// @param amount Gross.
    /// @param protocolFee Protocol's share.
    /// @param committeeFee Committee's share.
    event Matured(uint32 indexed provider, uint64 amount, uint64 protocolFee, uint64 committeeFee);

    /// @notice A provider was paid.
    /// @param provider Provider's id.
    /// @param to Its payout address.
    /// @param amount Net.
    event Claimed(uint32 indexed provider, address indexed to, uint64 amount);

    /// @notice Fees were paid to their recipients.
    /// @param protocolFee To the treasury.
    /// @param committeeFee To the committee's treasury.
    event FeesClaimed(uint64 protocolFee, uint64 committeeFee);

    /// @notice A provider's cover was brought in line with its stake.
    /// @param provider Provider's id.
    /// @param cover Settlement token base units.
    event CoverSet(uint32 indexed provider, uint64 cover);

    /// @notice Nothing is claimable.
    error EarningsNothingToClaim(uint32 provider);

    /// @notice Only the registry may call this.
    error EarningsOnlyRegistry(address caller);

    /// @notice Pays the collected fees to their recipients. Permissionless.
    function claimFees() external;

    /// @notice Brings a provider's cover in line with its stake and the parameters. Permissionless.
    /// @param provider Provider's id.
    function refreshCover(uint32 provider) external;

    /// @notice Remembers that one of the provider's workers has a revocation to look up.
    /// @dev Registry only.
    /// @param provider Provider's id.
    function markRevocation(uint32 provider) external;

    /// @notice Says whom a provider's claims are paid to from now on.
    /// @dev Registry only, which keeps the notice.
    /// @param provider Provider's id.
    /// @param payout Its payout address.
    function setPayout(uint32 provider, address payout) external;

    /// @notice A provider's money as a touch in this block would leave it.
    /// @param provider Provider's id.
    /// @return See {EarningsView}.
    function earnings(uint32 provider) external view returns (EarningsView memory);

    /// @notice Fees collected and not yet paid out.
    /// @return protocolFee Settlement token base units.
    /// @return committeeFee Settlement token base units.
    function fees() external view returns (uint64 protocolFee, uint64 committeeFee);
}
